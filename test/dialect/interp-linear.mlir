// The meaning of linear algebra and of the optimizer, against values from an independent computation (PyTorch, float64).
// RUN: drawloom-interp %s

func.func @linear(%x: tensor<2x3x4xf64> {drawloom.value = dense<[[[0.325, 0.522, -0.654, -1.86], [-0.855, 0.679, 1.021, 1.396], [0.423, 1.132, 1.217, -0.843]], [[-2.763, -1.361, 1.097, -0.922], [-1.111, -0.627, 1.262, 0.448], [0.632, -0.124, 0.711, 0.047]]]> : tensor<2x3x4xf64>},
    %w: tensor<5x4xf64> {drawloom.value = dense<[[-1.06, 0.396, 0.551, 0.455], [0.127, -0.367, 0.278, -0.898], [1.377, 0.999, -0.99, -0.475], [-0.059, 0.894, 0.74, 0.109], [-0.139, -0.042, 0.42, 0.269]]> : tensor<5x4xf64>},
    %b: tensor<5xf64> {drawloom.value = dense<[0.952, 0.411, -1.839, 0.882, 3.255]> : tensor<5xf64>})
    -> (tensor<2x3x5xf64> {drawloom.expect = dense<[[[-0.3924420000000002, 1.7491690000000002, 0.6609630000000002, 0.642793, 2.4128809999999996], [3.324935, -0.9165479999999999, -4.0119039999999995, 2.447175, 4.149671], [1.238894, 1.144617, -0.9300660000000002, 2.677744, 3.433032]], [[3.526761, 1.6925080000000001, -7.65137, 0.539565, 3.9089409999999996], [2.78057, 0.448544, -5.4574, 1.369723, 4.086315], [0.6461219999999999, 0.692224, -1.818827, 1.2651189999999999, 3.4836229999999997]]]> : tensor<2x3x5xf64>})
    attributes {drawloom.test} {
  %o = drawloom.linear %x, %w bias %b : (tensor<2x3x4xf64>, tensor<5x4xf64>, tensor<5xf64>) -> (tensor<2x3x5xf64>)
  return %o : tensor<2x3x5xf64>
}

func.func @linear_without_bias(%x: tensor<2x3x4xf64> {drawloom.value = dense<[[[0.325, 0.522, -0.654, -1.86], [-0.855, 0.679, 1.021, 1.396], [0.423, 1.132, 1.217, -0.843]], [[-2.763, -1.361, 1.097, -0.922], [-1.111, -0.627, 1.262, 0.448], [0.632, -0.124, 0.711, 0.047]]]> : tensor<2x3x4xf64>},
    %w: tensor<5x4xf64> {drawloom.value = dense<[[-1.06, 0.396, 0.551, 0.455], [0.127, -0.367, 0.278, -0.898], [1.377, 0.999, -0.99, -0.475], [-0.059, 0.894, 0.74, 0.109], [-0.139, -0.042, 0.42, 0.269]]> : tensor<5x4xf64>})
    -> (tensor<2x3x5xf64> {drawloom.expect = dense<[[[-1.3444420000000001, 1.3381690000000002, 2.499963, -0.239207, -0.8421190000000001], [2.372935, -1.327548, -2.172904, 1.565175, 0.8946709999999999], [0.28689400000000004, 0.7336170000000001, 0.9089339999999998, 1.795744, 0.17803200000000002]], [[2.574761, 1.281508, -5.81237, -0.34243500000000004, 0.6539409999999999], [1.8285700000000003, 0.037544, -3.6184, 0.48772299999999996, 0.831315], [-0.3058780000000001, 0.281224, 0.020173000000000094, 0.38311899999999993, 0.22862299999999997]]]> : tensor<2x3x5xf64>})
    attributes {drawloom.test} {
  %o = drawloom.linear %x, %w : (tensor<2x3x4xf64>, tensor<5x4xf64>) -> (tensor<2x3x5xf64>)
  return %o : tensor<2x3x5xf64>
}

func.func @matmul_takes_leading_dimensions_as_rows(%a: tensor<2x3x4xf64> {drawloom.value = dense<[[[-0.416, 0.878, 0.933, -0.503], [-1.543, -0.054, 0.147, 1.272], [0.74, -0.456, -1.47, 0.59]], [[0.589, -0.24, -0.818, -1.61], [0.316, -0.553, 0.745, -1.508], [-0.244, -0.506, 0.278, -0.352]]]> : tensor<2x3x4xf64>},
    %b: tensor<4x2xf64> {drawloom.value = dense<[[2.065, 0.008], [1.289, 0.558], [-0.346, 0.26], [-0.351, 0.618]]> : tensor<4x2xf64>})
    -> (tensor<2x3x2xf64> {drawloom.expect = dense<[[[0.126437, 0.418322], [-3.7532349999999997, 0.78184], [1.241846, -0.26610800000000007]], [[1.7550629999999998, -1.3368680000000002], [0.211261, -1.04429], [-1.12873, -0.42955600000000005]]]> : tensor<2x3x2xf64>})
    attributes {drawloom.test} {
  %o = drawloom.matmul %a, %b : (tensor<2x3x4xf64>, tensor<4x2xf64>) -> (tensor<2x3x2xf64>)
  return %o : tensor<2x3x2xf64>
}

func.func @matmul_transpose_a_contracts_all_rows(%a: tensor<2x3x4xf64> {drawloom.value = dense<[[[0.398, 1.355, -0.308, 0.789], [-0.672, -0.899, -0.923, 0.116], [-0.186, -1.666, -2.072, -0.5]], [[0.666, -0.429, 1.25, 1.289], [-1.456, 1.318, -0.433, 0.899], [0.819, -0.533, 0.177, 0.098]]]> : tensor<2x3x4xf64>},
    %b: tensor<2x3x2xf64> {drawloom.value = dense<[[[0.533, -0.497], [1.663, -0.095], [0.195, 0.055]], [[1.106, -1.776], [-2.768, -1.236], [-0.511, -0.765]]]> : tensor<2x3x2xf64>})
    -> (tensor<4x2xf64> {drawloom.expect = dense<[[3.4066229999999997, -0.15393100000000012], [-4.948027, -1.139059], [0.3874439999999997, -1.6934160000000003], [-0.5969309999999999, -3.9060509999999997]]> : tensor<4x2xf64>})
    attributes {drawloom.test} {
  %o = drawloom.matmul %a, %b {transpose_a} : (tensor<2x3x4xf64>, tensor<2x3x2xf64>) -> (tensor<4x2xf64>)
  return %o : tensor<4x2xf64>
}

func.func @matmul_transpose_b_adds_to_init(%a: tensor<3x4xf64> {drawloom.value = dense<[[-0.004, -1.572, 0.001, -0.17], [-1.46, -2.298, 0.449, 0.54], [1.488, 0.219, 1.565, 0.282]]> : tensor<3x4xf64>},
    %b: tensor<2x4xf64> {drawloom.value = dense<[[-1.473, 0.379, -0.263, 1.484], [-0.291, -1.51, -0.37, -0.466]]> : tensor<2x4xf64>},
    %c: tensor<3x2xf64> {drawloom.value = dense<[[-0.723, -1.635], [1.405, -0.51], [-2.519, 0.772]]> : tensor<3x2xf64>})
    -> (tensor<3x2xf64> {drawloom.expect = dense<[[-1.565439, 0.8187339999999999], [3.3679110000000003, 2.9670699999999997], [-4.62093, -0.7021600000000001]]> : tensor<3x2xf64>})
    attributes {drawloom.test} {
  %o = drawloom.matmul %a, %b init %c {transpose_b} : (tensor<3x4xf64>, tensor<2x4xf64>, tensor<3x2xf64>) -> (tensor<3x2xf64>)
  return %o : tensor<3x2xf64>
}

func.func @matmul_transposes_both(%a: tensor<4x3xf64> {drawloom.value = dense<[[1.511, -0.809, 0.455], [0.6, -1.114, -0.288], [-0.209, 0.938, 0.4], [-1.429, -0.588, 1.082]]> : tensor<4x3xf64>},
    %b: tensor<2x4xf64> {drawloom.value = dense<[[-2.312, -1.051, 2.198, -0.232], [0.388, 0.687, -1.08, -0.25]]> : tensor<2x4xf64>})
    -> (tensor<3x2xf64> {drawloom.expect = dense<[[-4.251886, 1.5814380000000001], [5.239362, -1.9452500000000004], [-0.12109600000000004, -0.723816]]> : tensor<3x2xf64>})
    attributes {drawloom.test} {
  %o = drawloom.matmul %a, %b {transpose_a, transpose_b} : (tensor<4x3xf64>, tensor<2x4xf64>) -> (tensor<3x2xf64>)
  return %o : tensor<3x2xf64>
}

func.func @global_norm(%a: tensor<2x3xf64> {drawloom.value = dense<[[-1.305, -0.99, 0.029], [-1.269, -0.821, 0.628]]> : tensor<2x3xf64>},
    %b: tensor<4xf64> {drawloom.value = dense<[2.183, 1.294, -0.366, -0.446]> : tensor<4xf64>})
    -> (tensor<1xf64> {drawloom.expect = dense<[3.4836114880967997]> : tensor<1xf64>})
    attributes {drawloom.test} {
  %o = drawloom.global_norm %a, %b : (tensor<2x3xf64>, tensor<4xf64>) -> (tensor<1xf64>)
  return %o : tensor<1xf64>
}

func.func @global_norm_of_an_infinity_is_infinite(%a: tensor<2x3xf64> {drawloom.value = dense<[[-1.305, -0.99, 0.029], [-1.269, 0xFFF0000000000000, 0.628]]> : tensor<2x3xf64>})
    -> (tensor<1xf64> {drawloom.expect = dense<[0x7FF0000000000000]> : tensor<1xf64>})
    attributes {drawloom.test} {
  %o = drawloom.global_norm %a : (tensor<2x3xf64>) -> (tensor<1xf64>)
  return %o : tensor<1xf64>
}

func.func @adam_clips_by_the_norm(%p: tensor<2x3xf64> {drawloom.value = dense<[[-0.483, 1.933, 0.091], [0.529, -0.802, 0.252]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-1.169, -0.055, -0.552], [0.703, 0.142, 1.029]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[-2.366, -1.152, -0.031], [-2.311, -0.221, -0.235]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[0.388, 1.744, 2.219], [0.992, 1.106, 0.082]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[2.0]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.475996664931552, 1.9345888712672707, 0.09105657791608168], [0.5331849079617762, -0.8016245716946185, 0.2533106791778057]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[-2.158625, -1.0381749999999998, -0.0417], [-2.062325, -0.19535, -0.185775]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.3876974100625, 1.7422561890625001, 2.2168000439999997], [0.9910388880625, 1.10489526025, 0.08198417756250001]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @adam_does_not_scale_gradients_up(%p: tensor<2x3xf64> {drawloom.value = dense<[[-0.372, -0.437, 0.191], [0.873, 1.52, 2.149]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-0.77, -1.216, -0.927], [1.172, 1.146, 1.261]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[0.233, 0.146, -0.146], [0.711, -0.751, 0.251]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[1.871, 0.072, 0.174], [2.09, 0.233, 0.305]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[0.1]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.372196045360177, -0.4370730688896072, 0.19208314797705286], [0.8719418951547295, 1.522343617580874, 2.1477151457475787]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.13270000000000004, 0.009800000000000017, -0.22409999999999997], [0.7571, -0.5613000000000001, 0.352]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[1.8697219, 0.07340665599999999, 0.17468532899999997], [2.089283584, 0.234080316, 0.306285121]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @adam_without_clipping(%p: tensor<2x3xf64> {drawloom.value = dense<[[-0.489, -1.517, -0.664], [0.867, -0.426, -0.562]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-0.536, -0.585, -0.21], [-1.186, 0.552, -0.169]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[-0.737, -0.353, -0.022], [0.787, -2.807, 1.473]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[1.057, 0.597, 0.478], [0.966, 0.065, 0.533]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[2.0]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.0, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.4875908623359292, -1.516016218916188, -0.6638807337483236], [0.8657882369700464, -0.40645622375196977, -0.5656231761023727]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[-0.7169, -0.3762, -0.04079999999999999], [0.5897000000000001, -2.4711, 1.3088000000000002]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[1.0562302959999998, 0.596745225, 0.4775661], [0.966440596, 0.06523970400000001, 0.5324955610000001]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @adam_of_zero_norm(%p: tensor<2x3xf64> {drawloom.value = dense<[[-0.31, 0.781, 0.071], [-0.144, 0.897, 0.654]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-0.185, 1.018, -0.12], [0.291, -0.185, 1.165]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[-0.078, 0.553, -0.445], [-1.231, 1.321, 0.1]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[1.665, 0.622, 1.413], [0.704, 0.008, 0.315]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[0.0]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.30986106763083054, 0.7794649463777059, 0.07170136173119662], [-0.14140151704346718, 0.8706091852351168, 0.6532579696765723]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[-0.0887, 0.5995, -0.41250000000000003], [-1.0788000000000002, 1.1704, 0.2065]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[1.663369225, 0.622414324, 1.4116014], [0.703380681, 0.008026225000000001, 0.316042225]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @adam_decays_weights_apart_from_the_moments(%p: tensor<2x3xf64> {drawloom.value = dense<[[-0.638, -0.017, -0.32], [0.111, -0.153, -0.579]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-1.812, 0.974, 0.353], [-0.627, 2.407, 0.889]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[0.004, -0.997, -0.094], [1.215, 1.8, -0.372]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[2.846, 0.119, 0.093], [0.323, 0.744, 0.084]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[2.0]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.6373120432308489, -0.01186972652305177, -0.31917782200659905], [0.10705614962441776, -0.15678298735197058, -0.576241894663649]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[-0.041699999999999994, -0.87295, -0.07577500000000001], [1.077825, 1.6801750000000002, -0.312575]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[2.8433592090000004, 0.11894029225, 0.0929147880625], [0.3227015705625, 0.7436181030625, 0.0839653950625]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h {decay} : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @adam_leaves_everything_if_the_norm_is_infinite(%p: tensor<2x3xf64> {drawloom.value = dense<[[-1.028, -0.354, -0.165], [0.66, -1.322, -0.424]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-0.054, 1.198, 0.326], [1.124, -1.122, 1.811]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[0.842, -1.353, 0.109], [0.273, -0.565, 1.139]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[1.685, 0.451, 2.101], [0.128, 1.58, 0.286]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[0x7FF0000000000000]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-1.028, -0.354, -0.165], [0.66, -1.322, -0.424]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.842, -1.353, 0.109], [0.273, -0.565, 1.139]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[1.685, 0.451, 2.101], [0.128, 1.58, 0.286]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[-0.054, 1.198, 0.326], [1.124, -1.122, 1.811]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h {decay} : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @adam_unscales_gradients_before_it_clips(%p: tensor<2x3xf64> {drawloom.value = dense<[[-0.483, 1.933, 0.091], [0.529, -0.802, 0.252]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-4.676, -0.22, -2.208], [2.812, 0.568, 4.116]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[-2.366, -1.152, -0.031], [-2.311, -0.221, -0.235]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[0.388, 1.744, 2.219], [0.992, 1.106, 0.082]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[8.0]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.475996664931552, 1.9345888712672707, 0.09105657791608168], [0.5331849079617762, -0.8016245716946185, 0.2533106791778057]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[-2.158625, -1.0381749999999998, -0.0417], [-2.062325, -0.19535, -0.185775]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.3876974100625, 1.7422561890625001, 2.2168000439999997], [0.9910388880625, 1.10489526025, 0.08198417756250001]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @adam_zeroes_the_gradients_of_a_step_that_is_skipped(%p: tensor<2x3xf64> {drawloom.value = dense<[[-1.028, -0.354, -0.165], [0.66, -1.322, -0.424]]> : tensor<2x3xf64>},
    %g: tensor<2x3xf64> {drawloom.value = dense<[[-0.054, 1.198, 0.326], [1.124, -1.122, 1.811]]> : tensor<2x3xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[0.842, -1.353, 0.109], [0.273, -0.565, 1.139]]> : tensor<2x3xf64>},
    %v: tensor<2x3xf64> {drawloom.value = dense<[[1.685, 0.451, 2.101], [0.128, 1.58, 0.286]]> : tensor<2x3xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[0x7FF0000000000000]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-1.028, -0.354, -0.165], [0.66, -1.322, -0.424]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.842, -1.353, 0.109], [0.273, -0.565, 1.139]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[1.685, 0.451, 2.101], [0.128, 1.58, 0.286]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %np, %nm, %nv, %ng = drawloom.adam %p, %g, %m, %v, %n, %h {decay} : (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %np, %nm, %nv, %ng : tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @ema(%e: tensor<5xf64> {drawloom.value = dense<[-0.116, 0.587, 0.057, 0.104, -0.598]> : tensor<5xf64>},
    %p: tensor<5xf64> {drawloom.value = dense<[0.865, 1.435, -0.68, -1.646, 0.906]> : tensor<5xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[1.0]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<5xf64> {drawloom.expect = dense<[-0.10619, 0.5954799999999999, 0.04963, 0.0865, -0.58296]> : tensor<5xf64>})
    attributes {drawloom.test} {
  %o = drawloom.ema %e, %p, %n, %h : (tensor<5xf64>, tensor<5xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<5xf64>)
  return %o : tensor<5xf64>
}

func.func @ema_leaves_everything_if_the_norm_is_infinite(%e: tensor<5xf64> {drawloom.value = dense<[-0.116, 0.587, 0.057, 0.104, -0.598]> : tensor<5xf64>},
    %p: tensor<5xf64> {drawloom.value = dense<[0.865, 1.435, -0.68, -1.646, 0.906]> : tensor<5xf64>},
    %n: tensor<1xf64> {drawloom.value = dense<[0x7FF0000000000000]> : tensor<1xf64>},
    %h: tensor<16xf64> {drawloom.value = dense<[0.01, 0.9, 0.999, 1.00000000000000002e-08, 0.1, 0.2709999999999999, 0.002997000999999999, 0.5, 0.99, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<16xf64>})
    -> (tensor<5xf64> {drawloom.expect = dense<[-0.116, 0.587, 0.057, 0.104, -0.598]> : tensor<5xf64>})
    attributes {drawloom.test} {
  %o = drawloom.ema %e, %p, %n, %h : (tensor<5xf64>, tensor<5xf64>, tensor<1xf64>, tensor<16xf64>) -> (tensor<5xf64>)
  return %o : tensor<5xf64>
}
