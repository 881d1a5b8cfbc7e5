// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/admission.h"

#include "libmpath/base/text.h"
#include "libmpath/policy/identify.h"

namespace mpath::policy {

namespace {

Admission refuse(std::string why) { return {false, std::move(why)}; }

}  // namespace

Admission admit(Blacklist& blacklist, const DiscoveredPath& path, const PathFacts& facts, const config::PathSettings& settings,
                const config::DaemonSettings& daemon) {
  if (path.is_hidden) return refuse("the kernel hides it");
  if (BlacklistVerdict verdict = blacklist.devnode(facts.kernel_name); verdict.is_blacklisted()) return refuse(verdict.text);
  if (facts.bus == Bus::unknown) return refuse("it is neither a SCSI, NVMe, DASD nor CCISS device");
  if (facts.protocol == Protocol::scsi_usb && !daemon.allow_usb_devices.value) {
    return refuse("it is a USB device (allow_usb_devices is no)");
  }
  for (const BlacklistVerdict& verdict : {
           blacklist.property(path.properties, settings.uid_attribute.value),
           blacklist.device(std::string(trim_right(facts.vendor)), std::string(trim_right(facts.product))),
           blacklist.protocol(std::string(to_string(facts.protocol))),
           facts.wwid.empty() ? BlacklistVerdict{} : blacklist.wwid(facts.wwid.text),
       }) {
    if (verdict.is_blacklisted()) return refuse(verdict.text);
  }
  return {true, {}};
}

Judgement judge(const DiscoveredPath& found, config::Resolver& resolver, Blacklist& blacklist) {
  Judgement judged;
  config::PathIdentity lookup = identity_for_lookup(found.facts);
  judged.settings = resolver.path(lookup);
  judged.facts = std::make_shared<const PathFacts>(identify(found, *judged.settings, resolver.daemon(), true));
  lookup.wwid = judged.facts->wwid.text;
  if (!lookup.wwid.empty()) judged.settings = resolver.path(lookup);
  judged.admission = admit(blacklist, found, *judged.facts, *judged.settings, resolver.daemon());
  return judged;
}

}  // namespace mpath::policy
