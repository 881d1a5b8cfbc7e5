// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/model/action.h"

namespace mpath {

std::string_view to_string(TableActionKind kind) {
  switch (kind) {
    case TableActionKind::create: return "create";
    case TableActionKind::reload: return "reload";
    case TableActionKind::resize: return "resize";
    case TableActionKind::rename: return "rename";
    case TableActionKind::remove: return "remove";
    case TableActionKind::suspend: return "suspend";
    case TableActionKind::resume: return "resume";
    case TableActionKind::drop_table: return "drop table";
  }
  return "create";
}

StaticText to_string(ReasonKind kind) {
  switch (kind) {
    case ReasonKind::map_missing: return "map missing";
    case ReasonKind::name_differs: return "name differs";
    case ReasonKind::size_differs: return "size differs";
    case ReasonKind::forced: return "forced";
    case ReasonKind::udev_incomplete: return "udev incomplete";
    case ReasonKind::queueing_differs: return "queueing differs";
    case ReasonKind::handler_differs: return "hardware handler differs";
    case ReasonKind::features_differ: return "features differ";
    case ReasonKind::selector_differs: return "path selector differs";
    case ReasonKind::arguments_differ: return "path arguments differ";
    case ReasonKind::paths_differ: return "paths differ";
    case ReasonKind::group_order: return "order of groups";
    case ReasonKind::better_group: return "better group";
    case ReasonKind::path_state: return "path state";
    case ReasonKind::map_obsolete: return "map obsolete";
    case ReasonKind::requested: return "requested";
    case ReasonKind::read_only_differs: return "read-only differs";
    case ReasonKind::interrupted: return "interrupted";
  }
  return "requested";
}

std::string to_string(const MapMessage& message) {
  using Kind = MapMessage::Kind;
  switch (message.kind) {
    case Kind::fail_path: return "fail_path " + to_string(message.path);
    case Kind::reinstate_path: return "reinstate_path " + to_string(message.path);
    case Kind::switch_group: return fmt::format("switch_group {}", message.group);
    case Kind::enable_group: return fmt::format("enable_group {}", message.group);
    case Kind::queue_if_no_path: return "queue_if_no_path";
    case Kind::fail_if_no_path: return "fail_if_no_path";
    case Kind::cancel_deferred_remove: return "@cancel_deferred_remove";
  }
  return {};
}

}  // namespace mpath
