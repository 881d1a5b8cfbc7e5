// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/base/unique_fd.h"
#include "libmpath/sys/directory.h"

namespace mpath::sys {

namespace {

constexpr Duration lock_limit = seconds{30};
constexpr Duration lock_retry = milliseconds{50};
constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;
constexpr mode_t mark_mode = 0400;
constexpr std::size_t longest_file_name = 255;
constexpr std::string_view marks_directory = "/failed_wwids";  ///< below the run directory

std::unexpected<Error> errno_error(std::string subject, std::string what) {
  return std::unexpected(error_from_errno(errno, std::move(subject), std::move(what)));
}

Result<std::string> read_open_file(int fd, const std::string& name) {
  struct stat information{};
  if (::fstat(fd, &information) != 0) return errno_error(name, "cannot be read");
  if (!S_ISREG(information.st_mode)) return fail(ErrorCode::invalid_argument, name, "is no regular file");
  if (static_cast<std::uint64_t>(information.st_size) > limits::config_file_bytes) {
    return fail(ErrorCode::limit, name, "is larger than any configuration; it is not read");
  }
  std::string bytes;
  char buffer[16384];
  for (;;) {
    ssize_t got = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(name, "cannot be read");
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
    if (bytes.size() > limits::config_file_bytes) return fail(ErrorCode::limit, name, "grows while it is read");
  }
}

/// O_NONBLOCK: a FIFO in the file's place must not hold anybody. Looked at first, because opening alone has effects on some devices.
Result<std::string> read_file(const std::string& name) {
  struct stat information{};
  if (::stat(name.c_str(), &information) == 0 && !S_ISREG(information.st_mode)) {
    return fail(ErrorCode::invalid_argument, name, "is no regular file");
  }
  UniqueFd fd{::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) return errno_error(name, "cannot be opened");
  return read_open_file(fd.get(), name);
}

std::string first_line(const std::string& name) {
  auto bytes = read_file(name);
  return bytes ? std::string(trim(*bytes)) : std::string();
}

std::vector<std::string> drop_in_names(const std::string& directory, std::vector<Error>& errors) {
  std::vector<std::string> names;
  DIR* open = ::opendir(directory.c_str());
  if (open == nullptr) {
    if (errno != ENOENT) errors.push_back(error_from_errno(errno, directory, "cannot be read"));
    return names;
  }
  while (const dirent* entry = ::readdir(open)) {
    std::string_view name = entry->d_name;
    if (name.size() > 5 && name.ends_with(".conf")) names.emplace_back(name);
  }
  ::closedir(open);
  std::ranges::sort(names);
  return names;
}

Status lock_whole_file(int fd, const std::string& name) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  for (Duration waited{0};; waited += lock_retry) {
    if (::fcntl(fd, F_SETLK, &lock) == 0) return {};
    if (errno != EAGAIN && errno != EACCES) return errno_error(name, "cannot be locked");
    if (waited >= lock_limit) return fail(ErrorCode::timeout, name, "is locked by another process for too long");
    timespec pause{.tv_sec = 0, .tv_nsec = static_cast<long>(lock_retry.count())};
    ::nanosleep(&pause, nullptr);
  }
}

Status write_whole(int fd, const std::string& name, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error(name, "cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd) != 0) return errno_error(name, "cannot be written");
  return {};
}

/// The directory's own entry must survive a power failure too. A file system that cannot do it does without.
void sync_directory(const std::string& directory) {
  UniqueFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (fd) (void)::fsync(fd.get());
}

Status replace_file(const std::string& directory, const std::string& name, std::string_view bytes) {
  std::string temporary = name + ".XXXXXX";
  UniqueFd fd{::mkostemp(temporary.data(), O_CLOEXEC)};
  if (!fd) return errno_error(name, "a new version cannot be made beside it");
  (void)::fchmod(fd.get(), file_mode);
  Status status = write_whole(fd.get(), name, bytes);
  if (status && ::rename(temporary.c_str(), name.c_str()) != 0) status = errno_error(name, "cannot be replaced");
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  sync_directory(directory);
  return {};
}

std::optional<std::uint32_t> user_number(std::string_view text) {
  const auto number = parse_decimal(text);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

Result<std::string> read_configuration_file(const std::string& name) { return read_file(name); }

std::vector<ports::SystemUser> parse_users(std::string_view text) {
  std::vector<ports::SystemUser> users;
  while (!text.empty() && users.size() < limits::known_users) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> fields = split(text.substr(0, end), ':');
    text.remove_prefix(std::min(end + 1, text.size()));
    if (fields.size() < 4 || fields[0].empty()) continue;
    const auto uid = user_number(fields[2]);
    const auto gid = user_number(fields[3]);
    if (uid && gid) users.push_back({.name = std::string(fields[0]), .uid = *uid, .gid = *gid});
  }
  return users;
}

ports::ConfigFiles read_machine_facts(const FilePaths& paths) {
  ports::ConfigFiles facts;
  facts.nvme_native_multipath = first_line(paths.nvme_multipath_parameter).starts_with('Y');
  facts.most_open_files = parse_decimal(first_line(paths.most_open_files));
  if (auto users = read_file(paths.users)) facts.users = parse_users(*users);
  return facts;
}

ports::ConfigFiles Files::read_configuration() {
  ports::ConfigFiles all = read_machine_facts(paths_);
  auto main = read_file(paths_.main_file);
  if (main) {
    all.files.push_back({.name = paths_.main_file, .bytes = std::move(*main)});
  } else if (main.error().code != ErrorCode::not_found) {
    all.errors.push_back(main.error());
    all.main_file_failed = true;
  }
  for (const std::string& name : drop_in_names(paths_.drop_in_directory, all.errors)) {
    std::string path = paths_.drop_in_directory + "/" + name;
    auto bytes = read_file(path);
    if (bytes) {
      all.files.push_back({.name = std::move(path), .bytes = std::move(*bytes), .is_drop_in = true});
    } else if (bytes.error().code != ErrorCode::not_found) {
      all.errors.push_back(bytes.error());
    }
  }
  return all;
}

const std::string& Files::directory_of(ports::StateFile file) const {
  return file == ports::StateFile::run_state ? paths_.run_directory : paths_.state_directory;
}

std::string Files::path_of(ports::StateFile file) const {
  switch (file) {
    case ports::StateFile::wwids: return directory_of(file) + "/wwids";
    case ports::StateFile::bindings: return directory_of(file) + "/bindings";
    case ports::StateFile::prkeys: return directory_of(file) + "/prkeys";
    case ports::StateFile::run_state: return directory_of(file) + "/state";
  }
  return {};
}

Result<std::string> Files::read(ports::StateFile file) {
  auto bytes = read_file(path_of(file));
  if (!bytes && bytes.error().code == ErrorCode::not_found) return std::string();
  return bytes;
}

Status Files::update(ports::StateFile file, const std::function<std::optional<std::string>(std::string_view)>& change) {
  std::string name = path_of(file);
  const std::string& directory = directory_of(file);
  if (::mkdir(directory.c_str(), directory_mode) != 0 && errno != EEXIST) return errno_error(directory, "cannot be made");
  for (;;) {
    UniqueFd fd{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, file_mode)};
    if (!fd) return errno_error(name, "cannot be opened for writing");
    if (Status status = lock_whole_file(fd.get(), name); !status) return status;
    struct stat locked{};
    struct stat current{};
    // Whoever held the lock before may have put another file in its place: then it is that one which counts.
    if (::fstat(fd.get(), &locked) != 0 || ::stat(name.c_str(), &current) != 0 || locked.st_ino != current.st_ino) continue;
    auto before = read_open_file(fd.get(), name);
    if (!before) return std::unexpected(before.error());
    std::optional<std::string> after = change(*before);
    if (!after) return {};
    return replace_file(directory, name, *after);
  }
}

Status Files::mark_failed(const Wwid& wwid, bool failed) {
  const std::string directory = paths_.run_directory + std::string(marks_directory);
  const bool possible = !wwid.empty() && wwid.text != "." && wwid.text != ".." && wwid.text.find('/') == std::string::npos &&
                        wwid.text.find('\0') == std::string::npos && wwid.text.size() <= longest_file_name;
  if (!possible) return fail(ErrorCode::invalid_argument, wwid.text, "cannot be the name of a file in " + directory);
  const std::string name = directory + "/" + wwid.text;
  if (!failed) {
    if (::unlink(name.c_str()) == 0 || errno == ENOENT) return {};
    return errno_error(name, "cannot be removed");
  }
  for (const std::string& each : {paths_.run_directory, directory}) {
    if (::mkdir(each.c_str(), directory_mode) != 0 && errno != EEXIST) return errno_error(each, "cannot be made");
  }
  // Whoever sees the mark sees it with its mode: it is made beside and gets its name at once.
  std::string temporary = directory + "/.new.XXXXXX";
  UniqueFd fd{::mkostemp(temporary.data(), O_CLOEXEC)};
  if (!fd) return errno_error(name, "cannot be made");
  (void)::fchmod(fd.get(), mark_mode);
  Status status;
  if (::link(temporary.c_str(), name.c_str()) != 0 && errno != EEXIST) status = errno_error(name, "cannot be made");
  ::unlink(temporary.c_str());
  return status;
}

std::vector<Wwid> Files::marked_failed() {
  std::vector<Wwid> marked;
  for_each_entry(paths_.run_directory + std::string(marks_directory), [&](int, const char* name) {
    marked.push_back(Wwid{name});
    return marked.size() < limits::failed_wwids;
  });
  std::ranges::sort(marked);
  return marked;
}

}  // namespace mpath::sys
