// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/identify.h"

#include "libmpath/base/text.h"
#include "libmpath/wire/vpd.h"
#include "libmpath/wire/wwid.h"

namespace mpath::policy {

namespace {

constexpr std::string_view default_attribute = "ID_SERIAL";  ///< of SCSI disks; made from page 0x83

std::string_view property(const UdevProperties& properties, std::string_view name) {
  for (const auto& [key, value] : properties) {
    if (key == name) return value;
  }
  return {};
}

/// The udev property that holds this device's WWID; empty if udev is not asked.
std::string_view uid_attribute(const PathFacts& facts, const config::PathSettings& settings,
                               const config::DaemonSettings& daemon) {
  for (const config::UidAttr& record : daemon.uid_attrs.value) {
    if (facts.kernel_name.starts_with(record.prefix)) return record.attribute;
  }
  return settings.uid_attribute.value;
}

/// What the built-in hardware table says for devices of this kind; empty for those that cannot say it themselves.
std::string_view usual_attribute(Bus bus) {
  switch (bus) {
    case Bus::scsi: return default_attribute;
    case Bus::nvme: return "ID_WWN";
    case Bus::ccw: return "ID_UID";
    case Bus::cciss:
    case Bus::unknown: return {};
  }
  return {};
}

/// The identity is the volume's best name, not the whole page: a firmware that adds a designator must not make every path a stranger.
void take_page_83(PathFacts& facts, Bytes page) {
  if (page.empty()) return;
  if (auto name = wire::choose_wwid(page)) facts.identity = fingerprint(name->text);
  facts.target_port_group = wire::target_port_group(page);
  facts.relative_target_port = wire::relative_target_port(page);
}

}  // namespace

config::PathIdentity identity_for_lookup(const PathFacts& facts) {
  config::PathIdentity identity;
  identity.vendor = std::string(trim_right(facts.vendor));
  identity.product = facts.bus == Bus::nvme ? facts.product : std::string(trim_right(facts.product));
  if (facts.bus == Bus::scsi) identity.revision = std::string(trim_right(facts.revision));
  identity.protocol = std::string(to_string(facts.protocol));
  identity.kernel_name = facts.kernel_name;
  identity.wwid = facts.wwid.text;
  return identity;
}

bool may_name_itself(const PathFacts& facts, const config::PathSettings& settings, const config::DaemonSettings& daemon) {
  std::string_view attribute = uid_attribute(facts, settings, daemon);
  return attribute.empty() || attribute == usual_attribute(facts.bus);
}

PathFacts identify(const DiscoveredPath& path, const config::PathSettings& settings,
                   const config::DaemonSettings& daemon, bool allow_fallback) {
  PathFacts facts = path.facts;
  take_page_83(facts, path.vpd_page_83);
  std::string_view attribute = uid_attribute(facts, settings, daemon);
  std::string_view value = trim_right(property(path.properties, attribute));
  if (!attribute.empty() && !value.empty()) {
    facts.wwid = wire::normalise_wwid(value).wwid;
    facts.wwid_source = WwidSource::udev_property;
    // udev and the kernel have asked the device at different times, and it was not the same volume. It is used as what udev says, so that is
    // what it must answer as: who is behind it now tells its first check.
    if (attribute == default_attribute && wire::contradicts(path.vpd_page_83, facts.wwid)) facts.identity = fingerprint(facts.wwid.text);
    return facts;
  }
  if (!attribute.empty() && !(allow_fallback && attribute == usual_attribute(facts.bus))) return facts;
  if (facts.bus == Bus::scsi) {
    if (auto wwid = wire::choose_wwid(path.vpd_page_83)) {
      facts.wwid = *wwid;
      facts.wwid_source = WwidSource::vpd_page;
    }
  } else if (!path.sysfs_wwid.empty()) {
    facts.wwid = facts.bus == Bus::ccw ? wire::dasd_wwid(path.sysfs_wwid).wwid : wire::normalise_wwid(path.sysfs_wwid).wwid;
    facts.wwid_source = WwidSource::sysfs;
  }
  return facts;
}

PathFacts with_vpd_page_83(const PathFacts& old, Bytes page, bool may_name) {
  PathFacts facts = old;
  take_page_83(facts, page);
  if (facts.wwid.empty() && may_name) {
    if (auto wwid = wire::choose_wwid(page)) {
      facts.wwid = *wwid;
      facts.wwid_source = WwidSource::vpd_page;
    }
  }
  return facts;
}

}  // namespace mpath::policy
