// SPDX-License-Identifier: LGPL-2.1-or-later
// operator new and delete of bench_scale: free lists by size, so that every allocation costs the same number of instructions. With the
// C library's allocator the cost depends on what the heap has been through, most of all through the simulator, and blurs the count.
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t header = 16;
constexpr std::size_t step = 32;
constexpr std::size_t classes = 512;  // up to 16 KiB
constexpr std::size_t chunk = std::size_t{1} << 20;

struct Free {
  Free* next;
};
Free* lists[classes];
char* fresh;
std::size_t fresh_left;

void* take(std::size_t size) {
  std::size_t kind = (size + step - 1) / step;
  char* block;
  if (kind >= classes) {
    block = static_cast<char*>(std::malloc(size + header));
    if (block == nullptr) throw std::bad_alloc();
  } else if (lists[kind] != nullptr) {
    block = reinterpret_cast<char*>(lists[kind]);
    lists[kind] = lists[kind]->next;
  } else {
    std::size_t bytes = kind * step + header;
    if (fresh_left < bytes) {
      fresh = static_cast<char*>(std::malloc(chunk));
      if (fresh == nullptr) throw std::bad_alloc();
      fresh_left = chunk;
    }
    block = fresh;
    fresh += bytes;
    fresh_left -= bytes;
  }
  *reinterpret_cast<std::size_t*>(block) = kind;
  return block + header;
}

void give(void* memory) noexcept {
  if (memory == nullptr) return;
  char* block = static_cast<char*>(memory) - header;
  std::size_t kind = *reinterpret_cast<std::size_t*>(block);
  if (kind >= classes) {
    std::free(block);
    return;
  }
  Free* item = reinterpret_cast<Free*>(block);
  item->next = lists[kind];
  lists[kind] = item;
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void operator delete(void* memory) noexcept { give(memory); }
void operator delete(void* memory, std::size_t) noexcept { give(memory); }
