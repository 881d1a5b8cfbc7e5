// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/admission.h"

#include "libmpath/policy/identify.h"
#include "tests/unit/policy/fixture.h"

namespace mpath::policy {
namespace {

TEST(Admission, NamesWhatDecided) {
  const struct {
    std::string what, config;
    std::function<void(DiscoveredPath&)> change;
    std::string reason;  ///< part of it; empty: admitted
  } cases[] = {
      {"an ordinary disk", "", [](DiscoveredPath&) {}, ""},
      {"hidden", "", [](DiscoveredPath& path) { path.is_hidden = true; }, "hides"},
      {"not a disk of ours", "", [](DiscoveredPath& path) { path.facts.kernel_name = "loop0"; }, "device node"},
      {"unknown bus", "", [](DiscoveredPath& path) { path.facts.bus = Bus::unknown; }, "neither"},
      {"USB", "", [](DiscoveredPath& path) { path.facts.protocol = Protocol::scsi_usb; }, "USB"},
      {"USB allowed", "defaults {\nallow_usb_devices yes\n}\n",
       [](DiscoveredPath& path) { path.facts.protocol = Protocol::scsi_usb; }, ""},
      {"no known property", "", [](DiscoveredPath& path) { path.properties = {{"ID_SERIAL", "3600a"}}; }, "property"},
      {"device", "blacklist {\ndevice {\nvendor ACME\nproduct .*\n}\n}\n", [](DiscoveredPath&) {}, "ACME"},
      {"device with padded strings", "blacklist {\ndevice {\nvendor \"^ACME$\"\nproduct \".*\"\n}\n}\n",
       [](DiscoveredPath& path) { path.facts.vendor = "ACME    "; }, "ACME"},
      {"protocol", "blacklist {\nprotocol scsi:fcp\n}\n", [](DiscoveredPath&) {}, "scsi:fcp"},
      {"wwid", "blacklist {\nwwid 3600a\n}\n", [](DiscoveredPath&) {}, "3600a"},
      {"no WWID yet: not judged by it", "blacklist {\nwwid \".*\"\n}\n",
       [](DiscoveredPath& path) { path.properties = {{"ID_WWN", "0xa"}}; }, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    auto config = parse_text(c.config);
    config::Resolver resolver(config);
    Blacklist blacklist(config);
    DiscoveredPath path{.facts = facts_of("sda"), .properties = {{"ID_WWN", "0xa"}, {"ID_SERIAL", "3600a"}}};
    path.facts.vendor = "ACME";
    path.facts.product = "ARRAY";
    c.change(path);
    auto settings = resolver.path(identity_for_lookup(path.facts));
    PathFacts facts = identify(path, *settings, resolver.daemon(), true);
    Admission admission = admit(blacklist, path, facts, *settings, resolver.daemon());
    EXPECT_EQ(admission.is_admitted, c.reason.empty()) << admission.reason;
    EXPECT_TRUE(admission.reason.contains(c.reason)) << admission.reason;
  }
}

}  // namespace
}  // namespace mpath::policy
