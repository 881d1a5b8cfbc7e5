// SPDX-License-Identifier: LGPL-2.1-or-later
// Persistent reservations of the simulated arrays: PERSISTENT RESERVE IN and OUT (SPC-4 6.15, 6.16) as far as a path manager uses them.
#include <fmt/format.h>

#include "tests/sim/target.h"

namespace mpath::sim {

namespace {

constexpr std::uint8_t write_exclusive_registrants_only = 5;

void put64(std::vector<std::uint8_t>& bytes, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint64_t get64(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes.at(at + i);
  return value;
}

void set_length(std::vector<std::uint8_t>& bytes, std::uint32_t generation) {
  const std::size_t length = bytes.size() - 8;
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[i] = static_cast<std::uint8_t>(generation >> (24 - 8 * i));
    bytes[4 + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
  }
}

void forget(Reservations& reservations, const Reservations::Nexus& nexus) {
  reservations.keys.erase(nexus);
  if (reservations.holder == nexus) reservations.holder.reset();
}

CommandOutcome conflict() {
  CommandOutcome outcome;
  outcome.status = 0x18;
  return outcome;
}

}  // namespace

Reservations::Nexus nexus_of(const Disk& disk) { return {disk.host->number, disk.port->name}; }

bool is_registered(const Disk& disk) { return disk.lun != nullptr && disk.lun->reservations.keys.contains(nexus_of(disk)); }

bool conflicts(const Disk& disk) { return disk.lun->reservations.holder && !is_registered(disk); }

CommandOutcome answer_reserve_in(const Disk& disk, const ScsiCommand& command) {
  const Reservations& reservations = disk.lun->reservations;
  std::vector<std::uint8_t> bytes(8, 0);
  switch (command.cdb[1] & 0x1f) {
    case 0x00:
      for (const auto& [nexus, key] : reservations.keys) put64(bytes, key);
      break;
    case 0x01:
      if (!reservations.holder) break;
      put64(bytes, reservations.keys.at(*reservations.holder));
      put64(bytes, std::uint64_t{write_exclusive_registrants_only} << 16);
      break;
    default: return check_condition(0x05, 0x24, 0x00);
  }
  set_length(bytes, reservations.generation);
  return give(std::move(bytes), command.data_in_bytes);
}

CommandOutcome World::answer_reserve_out(Disk& disk, const ScsiCommand& command) {
  const std::uint8_t action = command.cdb[1] & 0x1f;
  if ((action != 0x00 && action != 0x06) || command.data_out.size() != 24) return check_condition(0x05, 0x24, 0x00);
  Reservations& reservations = disk.lun->reservations;
  const Reservations::Nexus nexus = nexus_of(disk);
  const std::uint64_t key = get64(command.data_out, 0);
  const std::uint64_t fresh = get64(command.data_out, 8);
  auto known = reservations.keys.find(nexus);
  const std::uint64_t present = known == reservations.keys.end() ? 0 : known->second;
  if (action == 0x00 && key != present) return conflict();
  ++reservations.generation;
  if (fresh == 0) {
    forget(reservations, nexus);
  } else {
    reservations.keys[nexus] = fresh;
  }
  if (fresh != present) trace(fmt::format("array: {} is {} through {}", disk.lun->wwid.text, fresh == 0 ? "unregistered" : "registered", disk.name));
  return {};
}

void World::reserve(Lun& lun, std::uint64_t key) {
  Reservations& reservations = lun.reservations;
  for (const Disk* disk : disks_of(lun)) {
    reservations.keys[nexus_of(*disk)] = key;
    if (!reservations.holder) reservations.holder = nexus_of(*disk);
  }
  ++reservations.generation;
  trace(fmt::format("array: {} is reserved with {} paths registered", lun.wwid.text, reservations.keys.size()));
}

void World::preempt(Lun& lun, std::uint64_t victim, std::uint64_t key) {
  Reservations& reservations = lun.reservations;
  trace(fmt::format("array: {} is preempted", lun.wwid.text));
  std::erase_if(reservations.keys, [&](const auto& entry) { return entry.second == victim; });
  const Reservations::Nexus nexus{other_host, lun.array->ports.front()->name};
  reservations.keys[nexus] = key;
  reservations.holder = nexus;
  ++reservations.generation;
}

void World::forget_registration(Lun& lun, const Disk& disk) {
  if (!lun.reservations.keys.contains(nexus_of(disk))) return;
  trace(fmt::format("array: the registration of {} through {} is forgotten", lun.wwid.text, disk.name));
  forget(lun.reservations, nexus_of(disk));
}

}  // namespace mpath::sim
