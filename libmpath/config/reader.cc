// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/reader.h"

#include <bitset>

#include <fmt/format.h>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/config/keywords.h"
#include "libmpath/config/lexer.h"
#include "libmpath/config/suggest.h"

namespace mpath::config {

namespace {

/// A block that is open.
struct Frame {
  Section section = Section::root;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::bitset<key_count> seen_keys;
  std::bitset<32> seen_blocks;
  Settings settings;  ///< of a device, multipath or protocol block, or of a device rule
};

bool is_rule_section(Section section) {
  return section == Section::blacklist || section == Section::blacklist_device || section == Section::exceptions ||
         section == Section::exceptions_device;
}

class FileReader {
 public:
  FileReader(const SourceFile& file, std::uint32_t index, const ValueContext& context, Config& config,
             DiagnosticList& diagnostics)
      : file_(file), index_(index), context_(context), config_(config), diagnostics_(diagnostics) {
    frames_.emplace_back();
  }

  bool read() {
    LineReader lines(file_.bytes);
    while (auto line = lines.next()) {
      line_ = line->number;
      if (line->continues) {
        report(Severity::warning, 0, "long-line", "the line is longer than 1023 bytes; the rest is read as another line");
      }
      if (line->cut_at_nul) report(Severity::error, 0, "nul-byte", "a NUL byte hides the rest of the line");
      read_line(tokenize(line->text).tokens);
    }
    finish();
    return !fatal_;
  }

 private:
  void report(Severity severity, std::uint32_t column, std::string_view id, std::string text, std::string fix = {}) {
    diagnostics_.add({index_, line_, column, severity, id, std::move(text), std::move(fix)});
  }

  void report_extra(const Token& token) {
    report(Severity::error, token.column, "extra-data",
           fmt::format("extra data starting with '{}' is ignored", escape(token.text)),
           "one keyword and one value on a line; put a value that contains blanks in double quotes");
  }

  void read_line(const std::vector<Token>& tokens) {
    if (tokens.empty()) return;
    const Token& first = tokens.front();
    switch (first.kind) {
      case Token::Kind::quoted:
        report(Severity::error, first.column, "missing-keyword", "the line begins with a quoted string instead of a keyword; it is skipped");
        return;
      case Token::Kind::open_brace:
        report(Severity::error, first.column, "stray-brace", "'{' without a section name is skipped",
               "put the brace on the line of the section name");
        return;
      case Token::Kind::close_brace:
        if (tokens.size() > 1) report_extra(tokens[1]);
        close_block(first);
        return;
      case Token::Kind::word:
        if (is_block_word(first.text)) {
          read_block_line(tokens);
        } else {
          read_keyword_line(tokens);
        }
        return;
    }
  }

  void read_block_line(const std::vector<Token>& tokens) {
    const Token& first = tokens.front();
    if (tokens.size() < 2 || tokens[1].kind != Token::Kind::open_brace) {
      report(Severity::warning, first.column, "missing-brace", fmt::format("missing '{{' after {}", first.text),
             fmt::format("{} {{", first.text));
    } else if (tokens.size() > 2) {
      report_extra(tokens[2]);
    }
    open_block(first);
  }

  void read_keyword_line(const std::vector<Token>& tokens) {
    const Token& first = tokens.front();
    if (tokens.size() == 1) {
      const bool block = find_block(frames_.back().section, first.text) != nullptr;
      report(Severity::error, first.column, block ? "missing-brace" : "missing-value",
             block ? fmt::format("missing '{{' after {}: the block is not opened", first.text)
                   : fmt::format("missing value for {}; the line is skipped", escape(first.text)),
             block ? fmt::format("{} {{", first.text) : "");
      return;
    }
    const Token& value = tokens[1];
    if (!value.closed) {
      report(Severity::warning, value.column, "missing-quote", fmt::format("missing closing quote after the value of {}", escape(first.text)));
    }
    if (tokens.size() > 2) report_extra(tokens[2]);
    if (find_block(frames_.back().section, first.text) != nullptr) {
      if (value.kind != Token::Kind::open_brace) {
        report(Severity::warning, value.column, "missing-brace", fmt::format("missing '{{' after {}", first.text),
               fmt::format("{} {{", first.text));
      }
      open_block(first);
      return;
    }
    const auto key = find_key(first.text);
    if (!key || !allowed(frames_.back().section, *key)) {
      report_unknown(first);
      return;
    }
    read_value(*key, first, value);
  }

  void open_block(const Token& word) {
    Frame& parent = frames_.back();
    const Block* block = find_block(parent.section, word.text);
    if (!block) {
      report_unknown(word);
      return;
    }
    const auto number = static_cast<std::size_t>(block - all_blocks().data());
    if (!block->repeatable && parent.seen_blocks[number]) report_duplicate(word);
    parent.seen_blocks.set(number);
    Frame frame;
    frame.section = block->section;
    frame.line = line_;
    frame.column = word.column;
    frames_.push_back(std::move(frame));
  }

  void close_block(const Token& brace) {
    if (frames_.size() == 1) {
      report(Severity::error, brace.column, "stray-brace", "unmatched '}'");
      return;
    }
    store_block(frames_.back());
    frames_.pop_back();
  }

  void finish() {
    if (frames_.size() > 1) {
      report(Severity::warning, 0, "missing-brace",
             fmt::format("missing '}}' at the end of the file: {} of line {} is still open", name(frames_.back().section),
                         frames_.back().line),
             "}");
    }
    for (; frames_.size() > 1; frames_.pop_back()) store_block(frames_.back());
  }

  void report_duplicate(const Token& word) {
    report(Severity::warning, word.column, "duplicate-keyword",
           fmt::format("duplicate keyword: {}; the later value counts", word.text));
  }

  void report_unknown(const Token& word) {
    if (diagnostics_.is_full()) {
      diagnostics_.count_one();
      return;
    }
    const Section section = frames_.back().section;
    Suggestion suggestion = suggest(section, word.text);
    std::string text = section == Section::root
                           ? fmt::format("invalid keyword: {}", escape(word.text))
                           : fmt::format("invalid keyword in the {} section: {}", name(section), escape(word.text));
    if (!suggestion.reason.empty()) text += "; " + suggestion.reason;
    report(Severity::error, word.column, suggestion.id, std::move(text), std::move(suggestion.fix));
  }

  Origin origin(Section section, std::uint32_t line) const {
    return {layer_of(section), index_, line};
  }

  Layer layer_of(Section section) const {
    switch (section) {
      case Section::defaults: return Layer::defaults;
      case Section::overrides: return Layer::overrides;
      case Section::protocol: return Layer::protocol;
      case Section::multipaths:
      case Section::multipath: return Layer::multipaths;
      case Section::blacklist:
      case Section::blacklist_device:
      case Section::exceptions:
      case Section::exceptions_device: return Layer::blacklist;
      case Section::root:
      case Section::devices:
      case Section::device: break;
    }
    return file_.kind == FileKind::built_in ? Layer::hardware_table : Layer::devices;
  }

  void read_value(Key key, const Token& word, const Token& value) {
    Frame& frame = frames_.back();
    const Keyword& row = keyword(key);
    const auto number = static_cast<std::size_t>(key);
    if (!rules_repeat(frame.section) && frame.seen_keys[number]) report_duplicate(word);
    frame.seen_keys.set(number);
    if (row.standing == Standing::ignored) {
      report(Severity::warning, word.column, "deprecated-keyword",
             fmt::format("ignoring deprecated option \"{}\", using built-in value: \"{}\"", row.name, row.successor),
             "remove the line");
      return;
    }
    Keyword effective = row;
    if (is_rule_section(frame.section)) effective.type = ValueType::rule;
    ParsedValue parsed = parse_value(effective, value.text, context_);
    if (!parsed.remark.empty()) {
      const bool lost = parsed.outcome == ParsedValue::Outcome::rejected || parsed.outcome == ParsedValue::Outcome::fatal;
      const auto inside = static_cast<std::uint32_t>(parsed.offset + (value.kind == Token::Kind::quoted ? 1 : 0));
      report(lost ? Severity::error : Severity::warning, value.column + (parsed.offset ? inside : 0), parsed.id,
             std::move(parsed.remark), std::move(parsed.fix));
    }
    const Key stored = row.standing == Standing::alias ? *find_key(row.successor) : key;
    switch (parsed.outcome) {
      case ParsedValue::Outcome::accepted: store(frame, stored, std::move(parsed.value)); break;
      case ParsedValue::Outcome::cleared: clear(frame, stored); break;
      case ParsedValue::Outcome::rejected: break;
      case ParsedValue::Outcome::fatal: fatal_ = true; break;
    }
  }

  Settings& settings_of(Frame& frame) {
    if (frame.section == Section::defaults) return config_.defaults;
    if (frame.section == Section::overrides) return config_.overrides;
    return frame.settings;
  }

  void store(Frame& frame, Key key, Value value) {
    const Origin here = origin(frame.section, line_);
    if (frame.section != Section::blacklist && frame.section != Section::exceptions) {
      settings_of(frame).set({key, std::move(value), here});
      return;
    }
    RuleList& list = frame.section == Section::blacklist ? config_.blacklist : config_.exceptions;
    std::vector<Rule>& rules = key == Key::devnode    ? list.devnode
                               : key == Key::wwid     ? list.wwid
                               : key == Key::property ? list.property
                                                      : list.protocol;
    rules.push_back({std::get<std::string>(std::move(value)), here});
  }

  void clear(Frame& frame, Key key) { settings_of(frame).clear(key); }

  void store_block(Frame& frame) {
    switch (frame.section) {
      case Section::device:
        if (has_all(frame, {Key::vendor, Key::product}, "vendor or product")) store_entry(config_.devices, frame);
        break;
      case Section::multipath:
        if (has_all(frame, {Key::wwid}, "wwid")) store_entry(config_.multipaths, frame);
        break;
      case Section::protocol:
        if (has_all(frame, {Key::type}, "type")) store_entry(config_.protocols, frame);
        break;
      case Section::blacklist_device: store_device_rule(config_.blacklist, frame); break;
      case Section::exceptions_device: store_device_rule(config_.exceptions, frame); break;
      case Section::root:
      case Section::defaults:
      case Section::blacklist:
      case Section::exceptions:
      case Section::devices:
      case Section::overrides:
      case Section::multipaths: break;
    }
  }

  bool has_all(const Frame& frame, std::initializer_list<Key> keys, std::string_view names) {
    for (Key key : keys) {
      if (frame.settings.find(key)) continue;
      report_dropped(frame, fmt::format("missing {}: the {} entry is dropped", names, name(frame.section)));
      return false;
    }
    return true;
  }

  void report_dropped(const Frame& frame, std::string text) {
    diagnostics_.add({index_, frame.line, frame.column, Severity::error, "incomplete-entry", std::move(text), {}});
  }

  void store_entry(std::vector<Entry>& entries, Frame& frame) {
    entries.push_back({std::move(frame.settings), origin(frame.section, frame.line)});
  }

  void store_device_rule(RuleList& list, const Frame& frame) {
    DeviceRule rule;
    rule.origin = origin(frame.section, frame.line);
    if (frame.settings.find(Key::vendor)) rule.vendor = frame.settings.text(Key::vendor);
    if (frame.settings.find(Key::product)) rule.product = frame.settings.text(Key::product);
    if (rule.vendor || rule.product) {
      list.device.push_back(std::move(rule));
    } else {
      report_dropped(frame, "neither vendor nor product: the device rule is dropped");
    }
  }

  const SourceFile& file_;
  std::uint32_t index_;
  const ValueContext& context_;
  Config& config_;
  DiagnosticList& diagnostics_;
  std::vector<Frame> frames_;
  std::uint32_t line_ = 0;
  bool fatal_ = false;
};

}  // namespace

void DiagnosticList::add(Diagnostic diagnostic) {
  if (list_.size() < limits::config_diagnostics) {
    list_.push_back(std::move(diagnostic));
  } else {
    ++further_;
  }
}

bool read_file(const SourceFile& file, std::uint32_t index, const ValueContext& context, Config& config,
               DiagnosticList& diagnostics) {
  return FileReader(file, index, context, config, diagnostics).read();
}

}  // namespace mpath::config
