// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include "libmpath/base/text.h"
#include "libmpath/sys/udev_monitor.h"

namespace mpath::sys {
namespace {

/// "add:sda change:sda" as events and back.
std::vector<Uevent> events_of(std::string_view text) {
  std::vector<Uevent> events;
  for (std::string_view word : split_words(text)) {
    auto parts = split(word, ':');
    Uevent event{.kernel_name = std::string(parts.at(1))};
    event.action = parts[0] == "add"      ? Uevent::Action::add
                   : parts[0] == "change" ? Uevent::Action::change
                   : parts[0] == "remove" ? Uevent::Action::remove
                                          : Uevent::Action::other;
    event.sysfs_path = word;
    event.is_dm = parts[1].starts_with("dm-");
    events.push_back(std::move(event));
  }
  return events;
}

std::string filtered(std::string_view text) {
  std::vector<Uevent> events = events_of(text);
  filter_uevents(events);
  std::string out;
  for (const Uevent& event : events) out += (out.empty() ? "" : " ") + event.sysfs_path;
  return out;
}

TEST(FilterUevents, LaterEventsVoidEarlierOnes) {
  struct Case {
    const char* why;
    const char* before;
    const char* after;
  };
  for (const Case& c : {
           Case{"nothing to do", "add:sda change:sda add:sdb", "add:sda change:sda add:sdb"},
           Case{"remove drops all before", "add:sda change:sda remove:sda", "remove:sda"},
           Case{"other disks stay", "add:sda add:sdb remove:sda change:sdb", "add:sdb remove:sda change:sdb"},
           Case{"add drops changes, not adds", "add:sda change:sda change:sda add:sda", "add:sda add:sda"},
           Case{"add does not drop a remove", "remove:sda change:sda add:sda", "remove:sda add:sda"},
           Case{"remove reaches over an add", "change:sda add:sda change:sda remove:sda add:sda", "remove:sda add:sda"},
           Case{"two removes", "remove:sda add:sda remove:sda", "remove:sda"},
           Case{"other actions go with a remove only", "online:sda add:sda", "online:sda add:sda"},
           Case{"other actions go with a remove", "online:sda remove:sda", "remove:sda"},
           Case{"dm devices are never filtered", "add:dm-0 change:dm-0 remove:dm-0 add:dm-0",
                "add:dm-0 change:dm-0 remove:dm-0 add:dm-0"},
           Case{"names are whole", "change:sda change:sdaa remove:sda", "change:sdaa remove:sda"},
           Case{"nothing", "", ""},
       }) {
    EXPECT_EQ(filtered(c.before), c.after) << c.why;
  }
}

}  // namespace
}  // namespace mpath::sys
