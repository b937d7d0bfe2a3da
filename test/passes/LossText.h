// Loss functions as text, for tests that take whole graphs through the passes.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace drawloom::test {

/// Writes a function @loss of parameters (f32), tokens and targets [2, 7] and rng: op after op, each giving
/// the name of its result. Activations are [2, 7, channels].
class LossText {
public:
  /// Gives the parameter's name as a value.
  std::string parameter(const std::string &name, const std::vector<int64_t> &shape);
  /// The segment, and label, of the ops that follow.
  void segment(const std::string &name);

  std::string embed(const std::string &table);
  std::string layerNorm(const std::string &x, const std::string &weightAndBias);
  std::string linear(const std::string &x, const std::string &weight, const std::string &bias = "");
  std::string gelu(const std::string &x);
  std::string add(const std::string &x, const std::string &y);
  /// Of a quarter, each at a site of its own.
  std::string dropout(const std::string &x);
  /// Equal parts.
  std::vector<std::string> split(const std::string &x, int64_t parts);
  /// Of two heads; kept.
  std::string attention(const std::string &q, const std::string &k, const std::string &v,
                        const std::string &pattern);

  /// The function, whose result is the cross entropy of x weight^T.
  std::string finish(const std::string &x, const std::string &weight);

private:
  std::string fresh(const std::string &type);
  std::string attributes(const std::string &more = "") const;

  std::string parameters, body, inSegment;
  std::map<std::string, std::string> types; ///< of values
  int values = 0, sites = 0;
};

} // namespace drawloom::test
