// TensorBoard event files, written by hand: records of (u64 length, masked CRC of the length, bytes, masked
// CRC of the bytes), where the bytes are one protobuf message tensorflow.Event.
#pragma once
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drawloom {

/// One framed record.
std::string tensorboardRecord(std::string_view message);
/// Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }.
std::string scalarEvent(double wallTime, int64_t step,
                        const std::vector<std::pair<std::string, float>> &scalars);

class EventFile {
public:
  /// Creates FOLDER/events.out.tfevents.SECONDS.drawloom.PID. With startStep > 0 it tells TensorBoard to drop
  /// what older files of the folder say about later steps. Throws Error(kIo).
  EventFile(const std::string &folder, int64_t startStep);
  void add(int64_t step, const std::vector<std::pair<std::string, float>> &scalars);

private:
  void write(std::string_view message);
  std::string path;
  std::ofstream file;
};

} // namespace drawloom
