// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration as it was written, merged: which section sets which keyword to what, and where. Made by parse(), never changed
// afterwards, so any number of threads may read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmpath/config/keywords.h"
#include "libmpath/config/source.h"
#include "libmpath/config/value.h"
#include "libmpath/model/settings.h"

namespace mpath::config {

/// One keyword set to one value in one place.
struct Setting {
  Key key{};
  Value value{};
  Origin origin{};
};

/// The keywords that one section or entry sets. Sections set few of the many keywords, so this is a short list.
class Settings {
 public:
  [[nodiscard]] const Setting* find(Key key) const;
  /// The string value; empty when unset.
  [[nodiscard]] std::string_view text(Key key) const;
  /// Sets; an earlier setting of the keyword goes to replaced().
  void set(Setting setting);
  /// Back to "not set"; an earlier setting goes to replaced().
  void clear(Key key);
  /// Notes a setting that was given but does not count.
  void note_replaced(Setting setting);

  [[nodiscard]] const std::vector<Setting>& all() const { return settings_; }
  /// What was set and then lost to a later line or entry, in order of loss; the last limits::replaced_settings of them.
  [[nodiscard]] const std::vector<Setting>& replaced() const { return replaced_; }
  [[nodiscard]] bool empty() const { return settings_.empty(); }

 private:
  std::vector<Setting> settings_;
  std::vector<Setting> replaced_;
};

/// A `device`, `multipath` or `protocol` block. `origin` is the line that opens it.
struct Entry {
  Settings settings;
  Origin origin;
};

/// One expression of a blacklist or its exceptions, as written (with its `!`).
struct Rule {
  std::string text;
  Origin origin;  ///< layer built_in: one of the built-in rules
};

/// A vendor and product pair; an absent part matches anything.
struct DeviceRule {
  std::optional<std::string> vendor;
  std::optional<std::string> product;
  Origin origin;
};

struct RuleList {
  std::vector<Rule> devnode;
  std::vector<Rule> wwid;
  std::vector<Rule> property;
  std::vector<Rule> protocol;
  std::vector<DeviceRule> device;
};

struct FileInfo {
  std::string name;
  FileKind kind = FileKind::main;
};

struct Config {
  std::vector<FileInfo> files;  ///< in the order given to parse(); the built-in hardware table stands last
  Settings defaults;
  Settings overrides;
  std::vector<Entry> protocols;   ///< overrides/protocol
  std::vector<Entry> devices;     ///< the hardware table and the files' entries; the last that matches wins
  std::vector<Entry> multipaths;  ///< sorted by WWID, one for each
  RuleList blacklist;
  RuleList exceptions;
  /// By a tool's command line, for this run: counts more than every file and than what devices say (detect_pgpolicy).
  std::optional<PathGroupingPolicy> forced_grouping;
};

/// The built-in hardware table in the language of the file, for display.
[[nodiscard]] std::string_view hardware_table_text();
inline constexpr std::string_view hardware_table_name = "hardware table";

}  // namespace mpath::config
