// SPDX-License-Identifier: LGPL-2.1-or-later
// A plugin of QEMU's that counts the instructions which the machine executes in user mode, all programs together. Each time the machine
// executes a marker (a no-operation that no compiler makes, see probe_sys.cc) the count is appended to a file, one number in a line.
// For machines with one processor: the counter is not atomic. Built by host/machine.py; the functions below are QEMU's plugin
// interface, version 1, of which Debian ships no header.
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum inline_operation { ADD_U64 };
enum callback_flags { NO_REGISTERS };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id id, struct qemu_plugin_tb* block));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* block, enum inline_operation operation, void* pointer,
                                              uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn* instruction, void (*callback)(unsigned processor, void* data),
                                            enum callback_flags flags, void* data);

EXPORT int qemu_plugin_version = 1;

static const uint64_t end_of_user_space = UINT64_C(1) << 47;
static const unsigned char marker[] = {0x0f, 0x1f, 0x80, 0x54, 0x41, 0x50, 0x4d};  // nopl 0x4d504154(%rax)
static uint64_t executed;
static char path[4096];

static void tell(unsigned processor, void* data) {
  (void)processor;
  (void)data;
  char text[32];
  int length = snprintf(text, sizeof text, "%llu\n", (unsigned long long)executed);
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text, (size_t)length) != length) fprintf(stderr, "instructions: %s cannot be written\n", path);
  close(fd);
}

static void translated(plugin_id id, struct qemu_plugin_tb* block) {
  (void)id;
  if (qemu_plugin_tb_vaddr(block) >= end_of_user_space) return;
  size_t count = qemu_plugin_tb_n_insns(block);
  qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &executed, count);
  for (size_t at = 0; at < count; ++at) {
    struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(block, at);
    if (qemu_plugin_insn_size(instruction) != sizeof marker) continue;
    if (memcmp(qemu_plugin_insn_data(instruction), marker, sizeof marker) != 0) continue;
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, tell, NO_REGISTERS, NULL);
  }
}

/// One argument: the file, which exists, "out=FILE".
EXPORT int qemu_plugin_install(plugin_id id, const void* info, int argc, char** argv) {
  (void)info;
  if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || strlen(argv[0] + 4) >= sizeof path) return 1;
  strcpy(path, argv[0] + 4);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
