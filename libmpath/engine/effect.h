// SPDX-License-Identifier: LGPL-2.1-or-later
// What the engine wants done. Appended by Engine::step() to a buffer the caller owns, carried out by runtime::Executor in order.
// Effects with an `op` are answered by exactly one completion event with the same op.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "libmpath/engine/snapshot.h"
#include "libmpath/model/action.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/log.h"
#include "libmpath/model/request.h"
#include "libmpath/policy/transport_settings.h"

namespace mpath::engine {

/// Lane files → ConfigurationLoaded.
struct LoadConfiguration {
  OpId op = OpId::none;
};
/// Lane files → StateLoaded.
struct LoadState {
  OpId op = OpId::none;
};
/// Lane discovery → DisksListed.
struct ListDisks {
  OpId op = OpId::none;
};
/// Lane discovery → DisksRead. A portion of those that were listed: what is known of a disk before it is judged takes much memory.
struct ReadDisks {
  OpId op = OpId::none;
  std::vector<std::string> kernel_names;
};
/// Lane fast → MapsListed.
struct ListMaps {
  OpId op = OpId::none;
};
/// Lane fast → MapRead.
struct ReadMap {
  OpId op = OpId::none;
  MapId map;
  MapName name;
};
/// The path's device exists from now on / is not used any more.
struct AttachPath {
  PathId path;
  std::shared_ptr<const PathFacts> facts;
};
struct DetachPath {
  PathId path;
};
/// Lane submit, then whenever the device answers → CommandFinished.
struct SubmitCommand {
  OpId op = OpId::none;
  PathId path;
  DeviceCommand command;
};
/// Lanes table and wait → TableActionFinished.
struct RunTableAction {
  OpId op = OpId::none;
  MapId map;
  TableAction action;
};
/// Lane wait → HoldersReassigned: other dm devices that use one of the paths use the map instead; with `apply` false nothing is changed, and
/// the answer names those that would be.
struct ReassignHolders {
  OpId op = OpId::none;
  MapId map;
  MapName name;
  DevNum devnum;
  std::vector<DevNum> paths;
  bool apply = true;
};
/// Lane fast, in order for one map → MessageFinished.
struct SendMessage {
  OpId op = OpId::none;
  MapId map;
  MapName name;
  std::string uuid;
  MapMessage message;
};
/// Lane files, no completion: it may fail, and then it is only logged.
struct RememberWwid {
  Wwid wwid;
};
/// Lane files, no completion: whether the last attempt to make the volume's map failed, for programs that look at it.
struct MarkFailedWwid {
  Wwid wwid;
  bool failed = false;
};
struct RememberBinding {
  MapName name;
  Wwid wwid;
};
/// Lane files → RunStateSaved. The whole contents of /run/multipath/state; at most one at a time.
struct SaveRunState {
  OpId op = OpId::none;
  std::string text;
};
/// Lane files → ReservationKeySaved: the prkeys file has this key for the volume, or none.
struct SaveReservationKey {
  OpId op = OpId::none;
  Wwid wwid;
  std::optional<std::uint64_t> key;
  bool aptpl = false;  ///< activate persist through power loss
};
/// Lane discovery: read the device again; arrives as PathAppeared, or PathDisappeared if it is not there any more.
struct GatherPath {
  std::string kernel_name;
  DevNum devnum;
};
/// Lane discovery → IoCountersRead.
struct ReadIoCounters {
  OpId op = OpId::none;
  PathId path;
  std::string sysfs_path;
};
/// Lane discovery, no completion.
struct TriggerUevent {
  std::string sysfs_path;
  std::string action;
};
/// Lane settings, no completion: the kernel treats the remote port as one that works badly (port_state Marginal).
struct MarkRemotePort {
  std::string remote_port;  ///< "rport-2:0-1"
};
/// Lane settings, no completion: what differs is written and remarks and failures are logged.
struct ApplyTransportSettings {
  std::shared_ptr<const PathFacts> facts;
  policy::TransportWishes wishes;
};
/// Lane settings, no completion: the kernel's SCSI device is removed (sysfs `delete`), if it still is the device that `facts` describe.
/// Its uevent tells that it went.
struct DeletePath {
  std::shared_ptr<const PathFacts> facts;
};
/// Lane settings → PathRescanned: the kernel asks the device for its size again. One at a time.
struct RescanPath {
  OpId op = OpId::none;
  PathId path;
  std::shared_ptr<const PathFacts> facts;
};
/// The answer to a request that the engine carried out.
struct Reply {
  RequestId id = RequestId::none;
  RequestResult result;
};
struct RehearsalInputs;
/// The answer to a query: rendered from the snapshot in lane view.
struct RenderReply {
  RequestId id = RequestId::none;
  Request request;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const RehearsalInputs> inputs;  ///< for requests of which needs_inputs() holds; the executor reads them
};
enum class Severity { error, warning, notice, info, debug };
/// A line of the log; `fields` are for the journal: names of ours, values of any bytes.
struct LogLine {
  Severity severity = Severity::notice;
  std::string subject;
  std::string text;
  std::vector<LogField> fields;
};
/// For sd_notify and `show daemon`.
struct DaemonStateChanged {
  DaemonState state = DaemonState::init;
};
/// The engine has nothing left to do; the program ends.
struct Exit {
  bool failed = false;  ///< the program's exit status is 1
};

using Effect = std::variant<LoadConfiguration, LoadState, ListDisks, ReadDisks, ListMaps, ReadMap, AttachPath, DetachPath,
                            SubmitCommand, RunTableAction, SendMessage, RememberWwid, MarkFailedWwid, RememberBinding, ReassignHolders, SaveRunState,
                            SaveReservationKey, GatherPath, ReadIoCounters,
                            TriggerUevent, DeletePath, RescanPath, ApplyTransportSettings, MarkRemotePort,
                            Reply, RenderReply, LogLine, DaemonStateChanged, Exit>;

}  // namespace mpath::engine
