// What tests around the assembler share.
#pragma once
#include <cstdlib>
#include <optional>
#include <string>

namespace drawloom::test {

/// An environment variable with another value for a while.
class Environment {
public:
  Environment(std::string name, const std::string &value) : name(std::move(name)) {
    if (const char *old = std::getenv(this->name.c_str())) before = old;
    setenv(this->name.c_str(), value.c_str(), 1);
  }
  ~Environment() { before ? setenv(name.c_str(), before->c_str(), 1) : unsetenv(name.c_str()); }
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;

private:
  std::string name;
  std::optional<std::string> before;
};

} // namespace drawloom::test
