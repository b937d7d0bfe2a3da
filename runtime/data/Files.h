// Which files a data path stands for.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

inline constexpr std::string_view kImageEndings[] = {".png"};
/// What libsndfile reads, by the endings in use.
inline constexpr std::string_view kAudioEndings[] = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3",
                                                     ".aif", ".aiff", ".au",  ".w64", ".caf",  ".rf64"};

/// Throws Error(kMissingInput) with a hint when `path` is empty or names nothing.
void requireExists(const std::string &path);

/// The file itself, or all files under a folder, in the order of their paths, that have one of the endings
/// (in any case). Names that begin with a dot are left out.
std::vector<std::string> filesNamed(const std::string &path, std::span<const std::string_view> endings);

/// A line that says what lies in a folder, for messages: "a.bin.xz, b.txt and 3 more".
std::string listFolder(const std::string &path);

} // namespace drawloom
