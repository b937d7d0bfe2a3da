#include "runtime/checkpoint/StrictJson.h"
#include "runtime/support/Error.h"
#include <set>
#include <vector>

namespace drawloom {

Json parseStrictJson(std::string_view text, const std::string &name) {
  std::vector<std::set<std::string>> keys; // of the objects that are open
  auto check = [&](int, Json::parse_event_t event, Json &parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      auto key = parsed.get<std::string>();
      require(keys.back().insert(key).second, kBadInput, "{}: the key \"{}\" occurs twice in one object",
              name, key);
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const nlohmann::json::exception &e) {
    fail(kBadInput, "{}: not valid JSON: {}", name, e.what());
  }
}

} // namespace drawloom
