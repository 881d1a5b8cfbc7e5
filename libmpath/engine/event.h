// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens to the engine. Plain values, made by the executor and the program, consumed by Engine::step().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/config/effective.h"
#include "libmpath/model/action.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/discovery.h"
#include "libmpath/model/kernel_map.h"
#include "libmpath/model/request.h"

namespace mpath::engine {

// --- completions of effects ---------------------------------------------------------------------------------
/// Of LoadConfiguration. Without `config` the running one stays in force and `errors` say why.
struct ConfigurationLoaded {
  OpId op = OpId::none;
  std::shared_ptr<const config::Config> config;
  std::vector<std::string> messages;  ///< diagnostics, one line each, already escaped
};
/// Of LoadState: the texts of the state files.
struct StateLoaded {
  OpId op = OpId::none;
  std::string wwids;
  std::string bindings;
  std::vector<std::string> messages;
  std::string run_state;  ///< of /run/multipath/state
  std::string prkeys;
};
/// Of SaveReservationKey.
struct ReservationKeySaved {
  OpId op = OpId::none;
  Status result;
};
/// Of SaveRunState.
struct RunStateSaved {
  OpId op = OpId::none;
  Status result;
};
/// Of ListDisks: every disk that udev knows, in the order in which they are to be taken.
struct DisksListed {
  OpId op = OpId::none;
  Result<std::vector<ListedDisk>> disks;
  std::vector<DevNum> maps_not_ready;  ///< those that udev holds for unusable
};
/// Of ReadDisks: without those that are gone or cannot be read.
struct DisksRead {
  OpId op = OpId::none;
  Result<std::vector<DiscoveredPath>> paths;
};
/// Of ListMaps: every multipath map of the kernel, read whole.
struct MapsListed {
  OpId op = OpId::none;
  Result<std::vector<KernelMap>> maps;
  TargetVersion target_version{};
};
/// Of ReadMap; an error with ErrorCode::not_found means that the kernel has no such map.
struct MapRead {
  OpId op = OpId::none;
  MapId map;
  Result<KernelMap> result;
};
/// Of SubmitCommand.
struct CommandFinished {
  OpId op = OpId::none;
  PathId path;
  CommandOutcome outcome;
};
/// Of RunTableAction.
struct TableActionFinished {
  OpId op = OpId::none;
  MapId map;
  Result<DevNum> result;  ///< create: the new device; others: not valid
};
/// Of ReassignHolders.
struct HoldersReassigned {
  OpId op = OpId::none;
  MapId map;
  Result<ReassignedHolders> result;
};
/// Of SendMessage.
struct MessageFinished {
  OpId op = OpId::none;
  MapId map;
  MapMessage message;
  Status result;
};

/// Of ReadIoCounters.
struct IoCountersRead {
  OpId op = OpId::none;
  PathId path;
  Result<IoCounters> result;
};
/// Of RescanPath: the size in sectors as the kernel has it now.
struct PathRescanned {
  OpId op = OpId::none;
  PathId path;
  Result<std::uint64_t> size_sectors;
};

// --- kernel events ------------------------------------------------------------------------------------------
/// udev told of a disk that is there (add, change, or a rescan), and it has been read.
struct PathAppeared {
  std::unique_ptr<const DiscoveredPath> path;  ///< apart, because it is many times as large as other events
};
/// udev told that a disk went.
struct PathDisappeared {
  std::string kernel_name;
  DevNum devnum;
};
/// The device-mapper event poll fired: what differs from the device list of the time before. The comparison is done in the lane,
/// so that one event costs the engine the same whatever the number of maps.
struct MapsChanged {
  std::vector<KernelMapListing> changed;  ///< new devices, and those whose event number moved
  std::vector<KernelMapListing> gone;
  std::vector<DmActor> actors;            ///< seen at work on device-mapper when something was gone
};
/// A uevent of a dm device with a multipath uuid.
struct MapUeventSeen {
  MapUevent uevent;
};

/// The transport tells of a link: a fabric's state change notification (RSCN), a remote port that came or went, a cable. All paths behind
/// it are due at once.
struct LinkEvent {
  enum class Kind : std::uint8_t { changed, up, down };
  std::uint32_t host = 0;     ///< number of the SCSI host
  std::string target_port;    ///< as in PathFacts::target_port (FC: "0x" and the remote port's WWPN); empty: all of the host
  Kind kind = Kind::changed;
};

/// The host's queue is full, but it works on: commands that were not even sent yet say nothing of their paths.
struct HostBusy {
  std::uint32_t host = 0;
};

// --- requests -----------------------------------------------------------------------------------------------
struct RequestArrived {
  RequestId id = RequestId::none;
  Request request;
};
/// Once, first of all: begin with the start-up sequence.
struct Started {};

// --- time ---------------------------------------------------------------------------------------------------
/// Deadlines have passed, or may have; harmless at any time.
struct TimeAdvanced {};

/// The fabric tells of damaged frames on the way to these ports, or (holds: false, no ports) that what it told of this host is over.
struct FabricNotice {
  std::uint32_t host = 0;
  std::vector<std::string> target_ports;  ///< as in PathFacts::target_port
  bool holds = true;
};

using Event = std::variant<ConfigurationLoaded, StateLoaded, RunStateSaved, ReservationKeySaved, DisksListed, DisksRead, MapsListed, MapRead, CommandFinished,
                           TableActionFinished, HoldersReassigned, MessageFinished, IoCountersRead, PathRescanned, PathAppeared, PathDisappeared, MapsChanged,
                           MapUeventSeen, LinkEvent, HostBusy, FabricNotice, RequestArrived, Started, TimeAdvanced>;

}  // namespace mpath::engine
