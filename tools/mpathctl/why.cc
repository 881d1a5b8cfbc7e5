// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/mpathctl/why.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"
#include "libmpath/command/mpathctl.h"
#include "libmpath/config/lexer.h"
#include "libmpath/config/suggest.h"
#include "libmpath/config/why.h"
#include "libmpath/policy/identify.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/sys/udev_discovery.h"
#include "tools/mpathctl/output.h"
#include "tools/mpathctl/sources.h"

namespace mpath::ctl {

namespace {

constexpr int exit_failed = 1;
constexpr std::size_t most_typing_errors = 3;

Result<std::optional<config::Key>> find_keyword(const std::string& word) {
  if (word.empty()) return std::nullopt;
  auto key = config::find_key(word);
  if (key && config::keyword(*key).standing == config::Standing::alias) key = config::find_key(config::keyword(*key).successor);
  if (key && config::is_explained(*key)) return key;
  if (key) return fail(ErrorCode::invalid_argument, word, "names an entry or has no effect, so it has no value to explain");
  std::string_view nearest;
  std::size_t fewest = most_typing_errors;
  for (const config::Keyword& row : config::all_keywords()) {
    const std::size_t distance = config::edit_distance(word, row.name, fewest);
    if (distance >= fewest || !config::is_explained(row.key)) continue;
    fewest = distance;
    nearest = row.name;
  }
  return fail(ErrorCode::invalid_argument, word,
              nearest.empty() ? "is no keyword of multipath.conf" : fmt::format("is no keyword of multipath.conf; did you mean {}?", nearest));
}

/// "VENDOR,PRODUCT[,REVISION]"; a product may hold further commas only where it has a revision after them.
config::PathIdentity product_of(std::string_view text) {
  config::PathIdentity identity;
  const std::size_t first = text.find(',');
  const std::size_t last = text.rfind(',');
  identity.vendor = text.substr(0, first);
  identity.product = text.substr(first + 1, last == first ? std::string_view::npos : last - first - 1);
  if (last != first) identity.revision = text.substr(last + 1);
  return identity;
}

/// The kernel's name behind a link below /dev.
std::string kernel_name_of(const std::string& device) {
  if (!device.starts_with("/dev/")) return device;
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(device, failed);
  return failed ? device : real.string();
}

Result<config::PathIdentity> device_of(const std::string& device, config::Resolver& resolver) {
  auto discovery = sys::UdevDiscovery::create();
  if (!discovery) return std::unexpected(discovery.error());
  const auto found = (*discovery)->gather(kernel_name_of(device));
  if (!found) return std::unexpected(found.error());
  const auto settings = resolver.path(policy::identity_for_lookup(found->facts));
  return policy::identity_for_lookup(policy::identify(*found, *settings, resolver.daemon(), true));
}

bool names_product(const std::string& subject) { return subject.contains(',') && !subject.starts_with('/'); }

std::string heading(const config::PathIdentity& path) {
  std::string text = fmt::format("vendor {}, product {}", config::quote(escape(path.vendor)), config::quote(escape(path.product)));
  if (path.revision) text += ", revision " + config::quote(escape(*path.revision));
  if (!path.protocol.empty()) text += ", protocol " + path.protocol;
  if (!path.wwid.empty()) text += ", WWID " + escape(path.wwid);
  return (path.kernel_name.empty() ? text : escape(path.kernel_name) + ": " + text) + "\n";
}

std::string as_json(const config::PathIdentity& path, const std::vector<config::WhyLine>& lines) {
  nlohmann::ordered_json document;
  document["device"] = {{"name", path.kernel_name}, {"vendor", path.vendor},     {"product", path.product},
                        {"revision", path.revision.value_or("")}, {"protocol", path.protocol}, {"wwid", path.wwid}};
  document["settings"] = nlohmann::ordered_json::parse(config::render_why_json(lines));
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

int why(const WhyRequest& request) {
  const auto key = find_keyword(request.keyword);
  if (!key) return complain(command::exit_usage, key.error().message());
  const engine::ConfigurationLoaded loaded = runtime::parse_configuration(read_sources(request.files));
  if (!loaded.config) {
    for (const std::string& message : loaded.messages) complain(exit_failed, message);
    return complain(exit_failed, "the configuration cannot be used");
  }
  if (!loaded.messages.empty()) {
    complain(0, fmt::format("remarks on the configuration: {}; see mpathctl lint", loaded.messages.size()));
  }
  config::Resolver resolver(loaded.config);
  const auto path = names_product(request.subject) ? product_of(request.subject) : device_of(request.subject, resolver);
  if (!path) return complain(exit_failed, path.error().message());
  std::vector<config::WhyLine> lines = config::why(resolver, *path, *key);
  if (request.json) return print(as_json(*path, lines), 0);
  return print(heading(*path) + config::render_why(lines, !request.set_only), 0);
}

}  // namespace mpath::ctl
