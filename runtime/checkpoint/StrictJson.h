// JSON from files that others may have written: a key that occurs twice in one object is an error, not a
// matter of luck.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace drawloom {

using Json = nlohmann::ordered_json;

/// Parses `text`; `name` stands for the file in messages. Throws Error(kBadInput).
Json parseStrictJson(std::string_view text, const std::string &name);

} // namespace drawloom
