// SPDX-License-Identifier: LGPL-2.1-or-later
// The child that does the reads past the page cache. An outstanding asynchronous read holds a dying process in the kernel until the
// device has answered, so they live in a process that holds nothing anybody else needs: no lock, no listening socket, no device-mapper
// descriptor. One thread, and a second one that closes descriptors, which may sleep. Nothing here is used by the daemon itself.
#pragma once

namespace mpath::sys {

/// Serves one daemon over its end of the socket pair (direct_read_frames.h) until the daemon hangs up; then it gives back. Reads under way
/// keep the calling process from ending.
void serve_direct_reads(int socket);

}  // namespace mpath::sys
