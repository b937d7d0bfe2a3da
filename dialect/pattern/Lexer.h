// Words, numbers and symbols of a pattern's text.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace drawloom {

struct Token {
  enum Kind { End, Integer, Word, Symbol, Unknown } kind = End;
  llvm::StringRef text;
  unsigned column = 1;
  bool is(llvm::StringRef t) const { return (kind == Word || kind == Symbol) && text == t; }
};

/// Cuts the text into tokens, longest symbol first. What other languages write for 'and' and 'or' is one
/// unknown token, so that a message can say what to write.
class Lexer {
public:
  explicit Lexer(llvm::StringRef text) : text(text) {}
  /// Past the end: Token::End.
  Token next();

private:
  Token token(Token::Kind kind, size_t begin, size_t end);

  llvm::StringRef text;
  size_t pos = 0;
};

} // namespace drawloom
