// SPDX-License-Identifier: LGPL-2.1-or-later
// Every limit of the product, named in one place. A limit that is reached is reported with its name.
#pragma once

#include <cstddef>

#include "libmpath/base/time.h"

namespace mpath::limits {

// --- identity -----------------------------------------------------------------------------------------------
inline constexpr std::size_t wwid_bytes = 127;         ///< longest WWID (128 with the final NUL in the kernel's uuid)
inline constexpr std::size_t map_name_bytes = 127;     ///< DM_NAME_LEN - 1

// --- socket protocol ----------------------------------------------------------------------------------------
inline constexpr std::size_t command_bytes = 512;               ///< longest command of the old grammar
inline constexpr std::size_t mpathctl_request_bytes = 4u << 20; ///< longest mpathctl/1 request (may carry a configuration)
inline constexpr std::size_t user_request_bytes = 64u << 10;    ///< … of users other than root, who bring no configuration
inline constexpr std::size_t user_requests = 4;                 ///< of all users other than root: being answered, or their replies not taken yet
inline constexpr std::size_t user_clients = 256;                ///< of all users other than root, connected at the same time
inline constexpr std::size_t mpathctl_subjects = 1024;          ///< names in one request of mpathctl
inline constexpr std::chrono::seconds drain_confirm_most{7 * 24 * 3600};  ///< longest time to confirm a drain
inline constexpr std::size_t reply_bytes = 32u << 20;           ///< clients refuse a reply of this size or more
inline constexpr std::size_t clients = 1024;                    ///< connected at the same time; others wait in the backlog
inline constexpr int socket_backlog = 128;

// --- configuration ------------------------------------------------------------------------------------------
inline constexpr std::size_t config_line_bytes = 1023;          ///< the reference's line buffer
inline constexpr std::size_t config_file_bytes = 64u << 20;
inline constexpr std::size_t known_users = 65536;               ///< taken from /etc/passwd to resolve uid and gid
inline constexpr std::size_t config_diagnostics = 1000;         ///< further ones are counted only
inline constexpr std::size_t replaced_settings = 32;             ///< of one section, kept to explain what was overridden
inline constexpr std::size_t lint_comparisons = 4096;           ///< entries that the linter compares with each other
inline constexpr std::size_t expression_nodes = 100000;         ///< a regular expression with its repetitions written out

// --- engine -------------------------------------------------------------------------------------------------
inline constexpr std::size_t events_per_turn = 256;             ///< of each class
inline constexpr std::size_t effects_per_turn = 256;            ///< a turn may have more, but room is kept for so many
inline constexpr Duration turn_defect = milliseconds{1};        ///< a longer turn is a counted defect
inline constexpr std::size_t history_entries = 64;              ///< transitions kept for each path and map
inline constexpr std::size_t sampled_paths = 32;                ///< under test reads at the same time (marginal_path_*)
inline constexpr std::size_t sampling_reads = 32;               ///< test reads of one path under way
inline constexpr std::size_t recent_transitions = 1024;         ///< kept of all paths and maps together
inline constexpr std::size_t run_state_entries = 1u << 17;      ///< paths and maps in /run/multipath/state

inline constexpr std::size_t target_port_groups_bytes = 64u << 10;  ///< longest report of target port groups that is asked for
inline constexpr std::size_t reservation_keys_bytes = 65528;    ///< longest list of reservation keys: 8190 registrations
inline constexpr std::size_t ana_log_bytes = 64u << 10;         ///< of an NVMe ANA log page
inline constexpr std::size_t diff_lines = 4096;                 ///< of one table that are compared one by one

// --- lanes --------------------------------------------------------------------------------------------------
inline constexpr std::size_t submission_lanes = 4;              ///< threads that may hand commands to hosts
inline constexpr std::size_t spare_submission_lanes = 8;        ///< more of them while all others sleep in the kernel
inline constexpr std::size_t wait_lanes = 4;                    ///< suspends and resumes under way at once
inline constexpr std::size_t lane_queue = 65536;                ///< tasks waiting in one lane
/// All of it is locked. The sanitizers' frames and thread data are several times larger than what is installed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t thread_stack_bytes = 2048u << 10;
#else
inline constexpr std::size_t thread_stack_bytes = 256u << 10;
#endif
inline constexpr Duration lane_patience = milliseconds{20};     ///< all threads of a lane busy for so long: one more
inline constexpr Duration lane_stop = seconds{5};               ///< wait for running tasks at the end of the process
inline constexpr Duration full_host_retry = milliseconds{5};    ///< a host whose queue is full is asked again after so long
inline constexpr Duration full_host_retry_most = milliseconds{100};  ///< the interval doubles up to this
inline constexpr std::size_t sg_burst = 8;                      ///< so many commands at once: their replies are taken together
inline constexpr Duration sg_burst_window = milliseconds{4};    ///< how long replies of a burst are gathered; doubles while it lasts
inline constexpr Duration sg_burst_window_most = milliseconds{16};
inline constexpr Duration sg_burst_pause = milliseconds{50};    ///< nothing came for so long: the burst is over
inline constexpr std::size_t sg_commands_per_path = 1;          ///< outstanding checks of one path

// --- reads past the page cache, and commands that sleep until they are answered -----------------------------
inline constexpr std::size_t direct_reads_per_path = 32;        ///< outstanding at once
inline constexpr std::size_t direct_reads = 32768;              ///< of all paths, those of paths that are gone included
inline constexpr std::size_t direct_read_bytes = 64u << 10;     ///< longest
inline constexpr unsigned direct_context_reads = 1024;          ///< reads of one kernel AIO context
inline constexpr Duration direct_retry = milliseconds{5};       ///< a device whose queue is full is asked again after so long
inline constexpr Duration direct_retry_most = milliseconds{100};
inline constexpr Duration direct_silence = seconds{5};          ///< no read came back for so long: is the child alive?
inline constexpr Duration direct_patience = seconds{2};         ///< it must say so within this
inline constexpr Duration direct_restart = seconds{1};          ///< pause before a child that lived shortly is replaced
inline constexpr Duration direct_restart_most = seconds{60};
inline constexpr std::size_t sleeping_commands = 4;             ///< NVMe and cciss commands under way: each holds a thread

// --- kernel interfaces --------------------------------------------------------------------------------------
inline constexpr std::size_t dm_answer_bytes = 64u << 20;       ///< longest answer of device-mapper (list, table, status)
inline constexpr std::size_t sysfs_attribute_bytes = 64u << 10; ///< of a binary attribute (VPD pages)
inline constexpr int uevent_buffer_bytes = 128 << 20;           ///< receive buffer of the uevent socket
inline constexpr std::size_t fabric_datagrams = 64;            ///< events of links and fabrics taken at one wake-up
inline constexpr std::size_t fpin_ports = 4096;                ///< ports that one notification of the fabric may name
inline constexpr std::size_t uevents_per_read = 1000;           ///< taken at one wake-up

// --- who uses a device --------------------------------------------------------------------------------------
inline constexpr std::size_t device_users = 8;                  ///< named at most
inline constexpr Duration device_users_time = milliseconds{300};  ///< how long they are looked for
inline constexpr std::size_t dm_actors = 4;                     ///< processes named that may have changed a map from outside
inline constexpr std::size_t process_file_bytes = 256u << 10;   ///< read of one small file below /proc
inline constexpr std::size_t failed_wwids = 65536;              ///< marks of /run/multipath/failed_wwids that are read
inline constexpr std::size_t kept_texts = 512;                  ///< reasons in histories that are made of names; further ones are general
inline constexpr std::size_t mount_table_bytes = 4u << 20;

// --- log ----------------------------------------------------------------------------------------------------
inline constexpr std::size_t log_queue_lines = 4096;
inline constexpr unsigned log_lines_per_object_per_minute = 10;

}  // namespace mpath::limits
