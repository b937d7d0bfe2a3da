# Products with an epilogue. Paths are relative to passes/.
list(APPEND DRAWLOOM_PASS_SOURCES products/ProductRules.cpp)
