#include "runtime/train/RunLog.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include <cerrno>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <sstream>

namespace drawloom {

/// Rewrites the log without lines about steps after `step`, and without a last line that was cut off.
static std::string dropLaterLines(const std::string &path, int64_t step) {
  if (!std::filesystem::exists(path)) return path;
  std::istringstream old(readTextFile(path));
  std::string kept, line;
  while (std::getline(old, line)) {
    Json j = Json::parse(line, nullptr, false);
    if (j.is_object() && j.contains("step") && j["step"].is_number_integer() &&
        j["step"].get<int64_t>() <= step)
      kept += line + "\n";
  }
  writeFileAtomically(path, kept);
  return path;
}

RunLog::RunLog(const std::string &folder, int64_t step)
    : path(dropLaterLines(folder + "/" + kLogFile, step)), file(path, std::ios::app), events(folder, step) {
  if (!file) failErrno(errno, fmt::format("cannot open '{}'", path));
}

void RunLog::write(const std::string &event, int64_t step, const Json &fields) {
  Json line{{"event", event}, {"step", step}};
  line.update(fields);
  auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  line["time"] = std::round(now * 1000) / 1000;
  file << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  file.flush();
  if (!file) failErrno(errno ? errno : EIO, fmt::format("cannot write '{}'", path));
}

} // namespace drawloom
