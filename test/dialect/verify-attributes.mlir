// Malformed patterns and views are errors at their place in the file.
// RUN: drawloom-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{PATTERN1: unknown name 'locl' (did you mean 'local'?)}}
func.func private @pattern1_misspelt() attributes {p = #drawloom.pattern<"locl(4)">}

// -----

// expected-error@+1 {{PATTERN1: expected a number, a variable, a pattern or '(', found the end of the text}}
func.func private @pattern1_unfinished() attributes {p = #drawloom.pattern<"i - j <">}

// -----

// expected-error@+1 {{VIEW1: heads are non-negative and ascending, got 1 at place 1}}
func.func private @view1() attributes {v = #drawloom.view<heads = [1, 1], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>}

// -----

// expected-error@+1 {{VIEW1: a view applies to at least one head}}
func.func private @view1_empty() attributes {v = #drawloom.view<heads = [], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>}

// -----

// expected-error@+1 {{VIEW2: rows takes 2 dimensions and no symbols, got 1 and 0}}
func.func private @view2() attributes {v = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>}

// -----

// expected-error@+1 {{VIEW3: query has one result, got 2}}
func.func private @view3() attributes {v = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r, s), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>}

// -----

// expected-error@+1 {{VIEW3: key_hi has at least one result, got 0}}
func.func private @view3_bound() attributes {v = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5)>}

// -----

// expected-error@+1 {{VIEW4: predicate sets take the dimensions (h, i, j) and no symbols, got 2 and 0}}
func.func private @view4() attributes {v = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5), predicate = ["(i, j) : (i - j >= 0)"]>}

// -----

// expected-error@+1 {{VIEW4: expected an affine set, got '(h, i, j) : i'}}
func.func private @view4_text() attributes {v = #drawloom.view<heads = [0], slices = (h) -> (1), rows = (h, s) -> (5), query = (h, s, r) -> (r), keys = (h, s) -> (5), key = (h, s, t) -> (t), key_lo = (h, s, r) -> (0), key_hi = (h, s, r) -> (r + 1), row_lo = (h, s, t) -> (t), row_hi = (h, s, t) -> (5), predicate = ["(h, i, j) : i"]>}
