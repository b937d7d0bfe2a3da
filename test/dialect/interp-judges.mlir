// The test runner fails what should fail, and says why.
// RUN: not drawloom-interp %s | FileCheck %s
// RUN: not drawloom-interp --function=absent %s 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: drawloom-interp --print --function=wrong_value %s | FileCheck %s --check-prefix=PRINT

// ABSENT: error: there is no function @absent
// PRINT: @wrong_value result 0 [2]: 2 4

// CHECK: FAIL wrong_value: result 0: relative error {{.*}}, allowed 1.0e-09
func.func @wrong_value(%x: tensor<2xf64> {drawloom.value = dense<[1.0, 2.0]> : tensor<2xf64>})
    -> (tensor<2xf64> {drawloom.expect = dense<[2.0, 4.0001]> : tensor<2xf64>}) attributes {drawloom.test} {
  %y = drawloom.add %x, %x : tensor<2xf64>
  return %y : tensor<2xf64>
}

// CHECK: PASS within_its_tolerance: 1 checks
func.func @within_its_tolerance(%x: tensor<2xf64> {drawloom.value = dense<[1.0, 2.0]> : tensor<2xf64>})
    -> (tensor<2xf64> {drawloom.expect = dense<[2.0, 4.0001]> : tensor<2xf64>}) attributes {drawloom.test, drawloom.tolerance = 1.0e-4} {
  %y = drawloom.add %x, %x : tensor<2xf64>
  return %y : tensor<2xf64>
}

// CHECK: FAIL unlike_the_other: result 0 against @within_its_tolerance: relative error
func.func @unlike_the_other(%x: tensor<2xf64> {drawloom.random = 1}) -> tensor<2xf64> attributes {drawloom.test, drawloom.equals = @within_its_tolerance} {
  return %x : tensor<2xf64>
}

// CHECK: FAIL without_a_check: it checks nothing
func.func @without_a_check(%x: tensor<2xf64> {drawloom.random = 1}) -> tensor<2xf64> attributes {drawloom.test} {
  return %x : tensor<2xf64>
}

// CHECK: FAIL without_arguments: its arguments are not described
func.func @without_arguments(%x: tensor<2xf64>) -> tensor<2xf64> attributes {drawloom.test} {
  return %x : tensor<2xf64>
}

// CHECK: FAIL no_error_came: expected an error with 'anything', but it ran
func.func @no_error_came(%x: tensor<2xf64> {drawloom.random = 1}) -> tensor<2xf64> attributes {drawloom.test, drawloom.fails = "anything"} {
  return %x : tensor<2xf64>
}

// CHECK: FAIL another_error_came: expected an error with 'anything', got:
func.func @another_error_came(%x: tensor<2xf64> {drawloom.random = 1}) -> tensor<2xf64> attributes {drawloom.test, drawloom.fails = "anything"} {
  %y = func.call @declared(%x) : (tensor<2xf64>) -> tensor<2xf64>
  return %y : tensor<2xf64>
}
func.func private @declared(tensor<2xf64>) -> tensor<2xf64>
