// SPDX-License-Identifier: LGPL-2.1-or-later
// The udev properties of one device. A disk has some sixty of them and a start reads those of every disk, so they are kept as one
// text instead of a hundred small ones. A plain value, any thread.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace mpath {

/// Names and values in udev's order. Neither holds a NUL byte, as nothing that udev keeps does.
class UdevProperties {
 public:
  using value_type = std::pair<std::string_view, std::string_view>;  ///< name and value; valid until the properties change

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = UdevProperties::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    iterator() = default;
    explicit iterator(std::string_view rest) : rest_(rest) {}
    value_type operator*() const {
      std::string_view name = rest_.substr(0, rest_.find('\0'));
      std::string_view value = rest_.substr(name.size() + 1);
      return {name, value.substr(0, value.find('\0'))};
    }
    iterator& operator++() {
      auto [name, value] = **this;
      rest_.remove_prefix(name.size() + value.size() + 2);
      return *this;
    }
    iterator operator++(int) { return std::exchange(*this, std::next(*this)); }
    friend bool operator==(const iterator& left, const iterator& right) { return left.rest_.size() == right.rest_.size(); }

   private:
    std::string_view rest_;
  };

  UdevProperties() = default;
  UdevProperties(std::initializer_list<value_type> properties) {
    for (const auto& [name, value] : properties) add(name, value);
  }

  /// What follows a NUL byte in either is left out.
  void add(std::string_view name, std::string_view value) {
    for (std::string_view part : {name, value}) {
      text_ += part.substr(0, part.find('\0'));
      text_ += '\0';
    }
  }
  void clear() { text_.clear(); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] iterator begin() const { return iterator(text_); }
  [[nodiscard]] iterator end() const { return iterator(); }

 private:
  std::string text_;  ///< name NUL value NUL …
};

}  // namespace mpath
