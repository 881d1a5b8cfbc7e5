// SPDX-License-Identifier: LGPL-2.1-or-later
// Which devices multipath keeps its hands off: the blacklist and its exceptions, with the rule that decided. One object for each
// configuration, because it keeps compiled expressions; owned and used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmpath/config/config.h"
#include "libmpath/config/expression.h"
#include "libmpath/model/path.h"
#include "libmpath/model/udev_properties.h"
#include "libmpath/model/settings.h"

namespace mpath::policy {

/// What a device is judged by, in the order in which a full judgement asks.
enum class Criterion : std::uint8_t { property, devnode, device, protocol, wwid };
/// "udev property", "device node", "device", "protocol", "wwid".
[[nodiscard]] std::string_view to_string(Criterion criterion);

struct BlacklistVerdict {
  enum class Kind : std::uint8_t {
    neutral,      ///< no rule speaks of it
    whitelisted,  ///< an exception does; later criteria may still blacklist
    blacklisted,
  };
  Kind kind = Kind::neutral;
  Criterion criterion = Criterion::devnode;
  std::string rule;  ///< the expression as written; empty for a missing property
  Origin origin;     ///< where the rule stands
  std::string text;  ///< for people: verdict, rule and place; empty when neutral

  [[nodiscard]] bool is_blacklisted() const { return kind == Kind::blacklisted; }
};

/// All that a full judgement looks at. Empty strings are judged like any other.
struct BlacklistSubject {
  std::string kernel_name;
  std::string vendor;
  std::string product;
  std::string protocol;  ///< "scsi:fcp"
  std::string wwid;
  UdevProperties properties;
  std::string uid_attribute;  ///< the udev property that holds this device's WWID
};

class Blacklist {
 public:
  explicit Blacklist(std::shared_ptr<const config::Config> config);

  [[nodiscard]] BlacklistVerdict devnode(const std::string& kernel_name);
  [[nodiscard]] BlacklistVerdict device(const std::string& vendor, const std::string& product);
  [[nodiscard]] BlacklistVerdict protocol(const std::string& protocol);
  [[nodiscard]] BlacklistVerdict wwid(const std::string& wwid);
  /// The first property in udev's order that is on either list decides. When none is, the device is blacklisted as lacking a known
  /// property, unless `uid_attribute` is empty or the device has no such property.
  [[nodiscard]] BlacklistVerdict property(const UdevProperties& properties, std::string_view uid_attribute);

  /// The criteria in order until one blacklists; else the last one that whitelists, else neutral.
  [[nodiscard]] BlacklistVerdict judge(const BlacklistSubject& subject);

 private:
  /// One expression; the leading `!` is taken off.
  struct Pattern {
    explicit Pattern(std::string_view written);
    [[nodiscard]] bool matches(const std::string& text);
    config::LazyExpression expression;
    bool negated;
  };
  struct CompiledRule {
    const config::Rule* rule;
    Pattern pattern;
  };
  struct CompiledDeviceRule {
    const config::DeviceRule* rule;
    std::optional<Pattern> vendor;
    std::optional<Pattern> product;
  };
  struct Lists {
    std::vector<CompiledRule> exceptions;
    std::vector<CompiledRule> blacklist;
  };

  static std::vector<CompiledRule> compile(const std::vector<config::Rule>& rules);
  static std::vector<CompiledDeviceRule> compile(const std::vector<config::DeviceRule>& rules);
  static const config::DeviceRule* first_match(std::vector<CompiledDeviceRule>& rules, const std::string& vendor,
                                               const std::string& product);
  BlacklistVerdict judge_text(Criterion criterion, Lists& lists, const std::string& text);
  BlacklistVerdict verdict(BlacklistVerdict::Kind kind, Criterion criterion, std::string rule, const Origin& origin) const;

  std::shared_ptr<const config::Config> config_;
  Lists devnode_, protocol_, wwid_, property_;
  std::vector<CompiledDeviceRule> device_exceptions_, device_blacklist_;
  std::map<std::pair<std::string, std::string>, BlacklistVerdict> judged_devices_;
};

}  // namespace mpath::policy
