// What the back end has no instructions for is an error, and no hole in the code.
// RUN: drawloom-opt %s --drawloom-expand-math --split-input-file --verify-diagnostics

func.func @tangent(%x: vector<4xf32>) -> vector<4xf32> {
  // expected-error @below {{'math.tan' op has no code on a GPU for 'vector<4xf32>'}}
  %a = math.tan %x : vector<4xf32>
  return %a : vector<4xf32>
}

// -----

func.func @wide(%x: f64) -> f64 {
  // expected-error @below {{'math.exp' op has no code on a GPU for 'f64'}}
  %a = math.exp %x : f64
  return %a : f64
}
