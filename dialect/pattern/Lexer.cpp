#include "dialect/pattern/Lexer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace drawloom {

Token Lexer::token(Token::Kind kind, size_t begin, size_t end) {
  pos = end;
  return {kind, text.slice(begin, end), unsigned(begin + 1)};
}

Token Lexer::next() {
  while (pos < text.size() && llvm::isSpace(text[pos])) ++pos;
  size_t begin = pos;
  if (begin == text.size()) return token(Token::End, begin, begin);
  auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  size_t end = begin;
  if (llvm::isDigit(text[begin])) {
    while (end < text.size() && isWord(text[end])) ++end;
    bool digits = llvm::all_of(text.slice(begin, end), llvm::isDigit);
    return token(digits ? Token::Integer : Token::Unknown, begin, end);
  }
  if (isWord(text[begin])) {
    while (end < text.size() && isWord(text[end])) ++end;
    return token(Token::Word, begin, end);
  }
  for (llvm::StringRef s : {"<=", ">=", "==", "!=", "//", "<", ">", "+", "-", "*", "(", ")", ",", "="})
    if (text.substr(begin).starts_with(s)) return token(Token::Symbol, begin, begin + s.size());
  for (llvm::StringRef s : {"&&", "||"})
    if (text.substr(begin).starts_with(s)) return token(Token::Unknown, begin, begin + 2);
  return token(Token::Unknown, begin, begin + 1);
}

} // namespace drawloom
