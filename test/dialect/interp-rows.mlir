// The meaning of each row operation, against values from an independent computation (PyTorch, float64).
// RUN: drawloom-interp %s

func.func @embed_adds_positions(%t: tensor<2x5xi32> {drawloom.value = dense<[[0, 2, 1, 2, 0], [1, 1, 0, 2, 2]]> : tensor<2x5xi32>},
    %w: tensor<3x2xf64> {drawloom.value = dense<[[1.541, -0.293], [-2.179, 0.568], [-1.085, -1.399]]> : tensor<3x2xf64>},
    %p: tensor<3x2xf64> {drawloom.value = dense<[[0.403, 0.838], [-0.719, -0.403], [-0.597, 0.182]]> : tensor<3x2xf64>},
    %q: tensor<2x2xf64> {drawloom.value = dense<[[-0.857, 1.101], [-1.071, 0.123]]> : tensor<2x2xf64>})
    -> (tensor<2x5x2xf64> {drawloom.expect = dense<[[[1.087, 1.646], [-2.6609999999999996, -0.7010000000000001], [-3.633, 1.851], [-1.753, -0.43800000000000006], [-0.249, -0.573]], [[-2.633, 2.5069999999999997], [-3.755, 1.266], [0.08699999999999997, 0.99], [-1.753, -0.43800000000000006], [-2.875, -1.679]]]> : tensor<2x5x2xf64>})
    attributes {drawloom.test} {
  %o = drawloom.embed %t, %w positions (%p, %q) divisors [1, 3] : (tensor<2x5xi32>, tensor<3x2xf64>, tensor<3x2xf64>, tensor<2x2xf64>) -> (tensor<2x5x2xf64>)
  return %o : tensor<2x5x2xf64>
}

func.func @embed_with_an_offset_starts_there(%t: tensor<2x1xi32> {drawloom.value = dense<[[2], [0]]> : tensor<2x1xi32>},
    %w: tensor<3x2xf64> {drawloom.value = dense<[[1.541, -0.293], [-2.179, 0.568], [-1.085, -1.399]]> : tensor<3x2xf64>},
    %p: tensor<3x2xf64> {drawloom.value = dense<[[0.403, 0.838], [-0.719, -0.403], [-0.597, 0.182]]> : tensor<3x2xf64>},
    %q: tensor<2x2xf64> {drawloom.value = dense<[[-0.857, 1.101], [-1.071, 0.123]]> : tensor<2x2xf64>},
    %f: tensor<1xi64> {drawloom.value = dense<[4]> : tensor<1xi64>})
    -> (tensor<2x1x2xf64> {drawloom.expect = dense<[[[-2.875, -1.679]], [[-0.249, -0.573]]]> : tensor<2x1x2xf64>})
    attributes {drawloom.test} {
  %o = drawloom.embed %t, %w positions (%p, %q) offset %f divisors [1, 3] : (tensor<2x1xi32>, tensor<3x2xf64>, tensor<3x2xf64>, tensor<2x2xf64>, tensor<1xi64>) -> (tensor<2x1x2xf64>)
  return %o : tensor<2x1x2xf64>
}

func.func @embed_grad_sums_over_uses(%d: tensor<2x5x2xf64> {drawloom.value = dense<[[[0.154, -0.633], [-1.261, -0.727], [-1.265, -1.12], [1.166, 0.926], [0.797, 0.212]], [[0.136, -0.034], [-0.31, 0.24], [-1.349, 0.244], [-0.014, -0.2], [-1.656, 0.914]]]> : tensor<2x5x2xf64>},
    %t: tensor<2x5xi32> {drawloom.value = dense<[[0, 2, 1, 2, 0], [1, 1, 0, 2, 2]]> : tensor<2x5xi32>})
    -> (tensor<3x2xf64> {drawloom.expect = dense<[[-0.3979999999999999, -0.17700000000000005], [-1.439, -0.9140000000000001], [-1.765, 0.913]]> : tensor<3x2xf64>}, tensor<3x2xf64> {drawloom.expect = dense<[[1.442, 0.05899999999999994], [-2.4299999999999997, 0.6390000000000001], [-2.614, -0.8760000000000001]]> : tensor<3x2xf64>}, tensor<2x2xf64> {drawloom.expect = dense<[[-3.8949999999999996, -2.0300000000000002], [0.29300000000000004, 1.852]]> : tensor<2x2xf64>})
    attributes {drawloom.test} {
  %a, %b, %c = drawloom.embed_grad %d, %t divisors [1, 3] : (tensor<2x5x2xf64>, tensor<2x5xi32>) -> (tensor<3x2xf64>, tensor<3x2xf64>, tensor<2x2xf64>)
  return %a, %b, %c : tensor<3x2xf64>, tensor<3x2xf64>, tensor<2x2xf64>
}

func.func @layer_norm(%x: tensor<2x3x4xf64> {drawloom.value = dense<[[[-0.587, 2.832, 0.904, 0.948], [-1.042, 0.974, -0.074, 0.865], [-0.523, -0.592, -0.891, -0.447]], [[-0.701, 0.326, -0.874, 0.394], [0.381, -0.066, -0.757, 0.369], [-0.173, 0.975, 0.416, -0.499]]]> : tensor<2x3x4xf64>},
    %g: tensor<4xf64> {drawloom.value = dense<[0.246, -0.131, -0.179, -0.596]> : tensor<4xf64>},
    %b: tensor<4xf64> {drawloom.value = dense<[0.274, 0.568, -0.673, -1.21]> : tensor<4xf64>})
    -> (tensor<2x3x4xf64> {drawloom.expect = dense<[[[-0.052796135401392136, 0.3727511248926449, -0.6552533252209601, -1.172531614288971], [-0.09503388035142123, 0.44051037677589927, -0.6170550764304276, -1.7103276761789254], [0.40584572599827956, 0.5514684350270157, -0.3777493673450908, -1.7984257262139733]], [[0.06644787036431359, 0.44556539465155864, -0.4683547447474737, -1.8372078226024495], [0.4861336122624698, 0.5815105841552994, -0.38738567858899037, -1.7085022714723264], [0.1202029981624679, 0.3833621590156325, -0.7479498189193726, -0.49302858333366684]]]> : tensor<2x3x4xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[1.0242499999999999, 0.18074999999999997, -0.6132500000000001], [-0.21374999999999997, -0.018250000000000002, 0.17975]]> : tensor<2x3xf64>}, tensor<2x3xf64> {drawloom.expect = dense<[[0.824477625944085, 1.2268556327996545, 5.938595410142539], [1.7315707420164308, 2.159879166348181, 1.7723346970381624]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %o, %m, %r = drawloom.layer_norm %x, %g, %b : (tensor<2x3x4xf64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<2x3x4xf64>, tensor<2x3xf64>, tensor<2x3xf64>)
  return %o, %m, %r : tensor<2x3x4xf64>, tensor<2x3xf64>, tensor<2x3xf64>
}

func.func @layer_norm_grad(%d: tensor<2x3x4xf64> {drawloom.value = dense<[[[0.419, 0.343, -0.349, -1.209], [-1.063, 1.546, -0.645, 2.572], [-0.321, 1.562, -0.204, 1.094]], [[0.053, 0.013, -1.541, -0.482], [0.102, -1.427, 0.833, 0.875], [0.263, -0.405, -0.073, -0.14]]]> : tensor<2x3x4xf64>},
    %x: tensor<2x3x4xf64> {drawloom.value = dense<[[[-0.587, 2.832, 0.904, 0.948], [-1.042, 0.974, -0.074, 0.865], [-0.523, -0.592, -0.891, -0.447]], [[-0.701, 0.326, -0.874, 0.394], [0.381, -0.066, -0.757, 0.369], [-0.173, 0.975, 0.416, -0.499]]]> : tensor<2x3x4xf64>},
    %g: tensor<4xf64> {drawloom.value = dense<[0.246, -0.131, -0.179, -0.596]> : tensor<4xf64>},
    %m: tensor<2x3xf64> {drawloom.value = dense<[[1.0242499999999999, 0.18074999999999997, -0.6132500000000001], [-0.21374999999999997, -0.018250000000000002, 0.17975]]> : tensor<2x3xf64>},
    %r: tensor<2x3xf64> {drawloom.value = dense<[[0.824477625944085, 1.2268556327996545, 5.938595410142539], [1.7315707420164308, 2.159879166348181, 1.7723346970381624]]> : tensor<2x3xf64>})
    -> (tensor<2x3x4xf64> {drawloom.expect = dense<[[[-0.15833088234991793, -0.1319701985988524, -0.12709576590807353, 0.4173968468568439], [-0.2626333290560263, 0.6652318958347799, 0.6106166237078556, -1.0132151904866098], [1.4802731067670738, 0.2643343057645433, -0.33909218418902576, -1.4055152283425931]], [[-0.23546044500771893, -0.2412502826690669, 0.2162736397169547, 0.2604370879598309], [0.39303833940604505, 0.6404692309932425, -0.24323136397340755, -0.7902762064258801], [0.0029514176340747073, 0.036925401187820756, -0.060537821051148806, 0.020661002229253336]]]> : tensor<2x3x4xf64>}, tensor<4xf64> {drawloom.expect = dense<[0.7448036997225176, 1.801408809271429, 0.9747456206118356, 3.7082736934766927]> : tensor<4xf64>}, tensor<4xf64> {drawloom.expect = dense<[-0.5469999999999998, 1.632, -1.9789999999999999, 2.7099999999999995]> : tensor<4xf64>})
    attributes {drawloom.test} {
  %dx, %dg, %db = drawloom.layer_norm_grad %d, %x, %g, %m, %r : (tensor<2x3x4xf64>, tensor<2x3x4xf64>, tensor<4xf64>, tensor<2x3xf64>, tensor<2x3xf64>) -> (tensor<2x3x4xf64>, tensor<4xf64>, tensor<4xf64>)
  return %dx, %dg, %db : tensor<2x3x4xf64>, tensor<4xf64>, tensor<4xf64>
}

func.func @bias_add(%x: tensor<2x3x4xf64> {drawloom.value = dense<[[[0.053, -1.099, 1.313, 1.295], [0.093, -0.649, -0.679, -0.084], [-1.68, 1.386, -3.047, -0.598]], [[-0.039, -0.288, -0.264, 0.223], [-1.109, -0.625, 0.136, -0.422], [0.201, -1.137, -0.322, 0.787]]]> : tensor<2x3x4xf64>},
    %b: tensor<4xf64> {drawloom.value = dense<[-0.477, 1.695, 0.347, 0.58]> : tensor<4xf64>})
    -> (tensor<2x3x4xf64> {drawloom.expect = dense<[[[-0.424, 0.5960000000000001, 1.66, 1.875], [-0.384, 1.046, -0.3320000000000001, 0.49599999999999994], [-2.157, 3.081, -2.7, -0.018000000000000016]], [[-0.516, 1.407, 0.08299999999999996, 0.8029999999999999], [-1.5859999999999999, 1.07, 0.483, 0.15799999999999997], [-0.27599999999999997, 0.558, 0.024999999999999967, 1.367]]]> : tensor<2x3x4xf64>})
    attributes {drawloom.test} {
  %o = drawloom.bias_add %x, %b : (tensor<2x3x4xf64>, tensor<4xf64>) -> (tensor<2x3x4xf64>)
  return %o : tensor<2x3x4xf64>
}

func.func @column_sum(%x: tensor<2x3x4xf64> {drawloom.value = dense<[[[0.053, -1.099, 1.313, 1.295], [0.093, -0.649, -0.679, -0.084], [-1.68, 1.386, -3.047, -0.598]], [[-0.039, -0.288, -0.264, 0.223], [-1.109, -0.625, 0.136, -0.422], [0.201, -1.137, -0.322, 0.787]]]> : tensor<2x3x4xf64>})
    -> (tensor<4xf64> {drawloom.expect = dense<[-2.4810000000000003, -2.4119999999999995, -2.8630000000000004, 1.201]> : tensor<4xf64>})
    attributes {drawloom.test} {
  %o = drawloom.column_sum %x : (tensor<2x3x4xf64>) -> (tensor<4xf64>)
  return %o : tensor<4xf64>
}

func.func @column_sum_adds_to_init(%x: tensor<2x3x4xf64> {drawloom.value = dense<[[[0.053, -1.099, 1.313, 1.295], [0.093, -0.649, -0.679, -0.084], [-1.68, 1.386, -3.047, -0.598]], [[-0.039, -0.288, -0.264, 0.223], [-1.109, -0.625, 0.136, -0.422], [0.201, -1.137, -0.322, 0.787]]]> : tensor<2x3x4xf64>},
    %b: tensor<4xf64> {drawloom.value = dense<[-0.477, 1.695, 0.347, 0.58]> : tensor<4xf64>})
    -> (tensor<4xf64> {drawloom.expect = dense<[-2.958, -0.7169999999999994, -2.5160000000000005, 1.7810000000000001]> : tensor<4xf64>})
    attributes {drawloom.test} {
  %o = drawloom.column_sum %x init %b : (tensor<2x3x4xf64>, tensor<4xf64>) -> (tensor<4xf64>)
  return %o : tensor<4xf64>
}

func.func @add(%x: tensor<2x3xf64> {drawloom.value = dense<[[-0.129, 1.006, 0.534], [-0.081, -0.495, 1.933]]> : tensor<2x3xf64>},
    %y: tensor<2x3xf64> {drawloom.value = dense<[[-1.583, -0.59, -0.175], [0.353, -0.897, -0.652]]> : tensor<2x3xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-1.712, 0.41600000000000004, 0.35900000000000004], [0.27199999999999996, -1.392, 1.2810000000000001]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %o = drawloom.add %x, %y : tensor<2x3xf64>
  return %o : tensor<2x3xf64>
}

func.func @fill()
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-1.5, -1.5, -1.5], [-1.5, -1.5, -1.5]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %o = drawloom.fill -1.5 : tensor<2x3xf64>
  return %o : tensor<2x3xf64>
}

func.func @gelu(%x: tensor<2x3xf64> {drawloom.value = dense<[[-0.20700000000000002, -6.774, 2.535], [-3.792, -1.362, -0.5189999999999999]]> : tensor<2x3xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.08545402872549397, -6.66359668982401e-05, 2.5015485465280327], [-0.005960127439371154, -0.1220801748032072, -0.15180051485632548]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %o = drawloom.gelu %x : tensor<2x3xf64>
  return %o : tensor<2x3xf64>
}

func.func @gelu_grad(%d: tensor<2x3xf64> {drawloom.value = dense<[[-1.235, -1.414, -1.556], [-0.421, -0.487, 0.371]]> : tensor<2x3xf64>},
    %x: tensor<2x3xf64> {drawloom.value = dense<[[-0.20700000000000002, -6.774, 2.535], [-3.792, -1.362, -0.5189999999999999]]> : tensor<2x3xf64>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[-0.40436434180838543, 0.00014645686129534212, -1.622888141252698], [0.0036022566729042946, 0.048467918311476295, 0.040695063045458946]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %o = drawloom.gelu_grad %d, %x : tensor<2x3xf64>
  return %o : tensor<2x3xf64>
}

func.func @dropout_uses_philox_of_seed_step_site_and_element(%x: tensor<3x5xf64> {drawloom.value = dense<[[0.843, -0.504, 0.151, 0.66, 0.814], [-0.081, -0.158, 0.568, -0.713, 0.552], [2.068, -2.109, 0.364, 0.534, 0.226]]> : tensor<3x5xf64>},
    %r: tensor<2xi64> {drawloom.value = dense<[81985529216486895, 4294967303]> : tensor<2xi64>})
    -> (tensor<3x5xf64> {drawloom.expect = dense<[[1.405, -0.8400000000000001, 0.25166666666666665, 0.0, 1.3566666666666667], [-0.135, -0.26333333333333336, 0.9466666666666667, -0.0, 0.9200000000000002], [0.0, -0.0, 0.6066666666666667, 0.0, 0.3766666666666667]]> : tensor<3x5xf64>})
    attributes {drawloom.test} {
  %o = drawloom.dropout %x, %r {rate = 0.4 : f64, site = 7 : i64} : (tensor<3x5xf64>, tensor<2xi64>) -> (tensor<3x5xf64>)
  return %o : tensor<3x5xf64>
}

func.func @dropout_of_rate_0_keeps_all(%x: tensor<3x5xf64> {drawloom.value = dense<[[0.843, -0.504, 0.151, 0.66, 0.814], [-0.081, -0.158, 0.568, -0.713, 0.552], [2.068, -2.109, 0.364, 0.534, 0.226]]> : tensor<3x5xf64>},
    %r: tensor<2xi64> {drawloom.value = dense<[81985529216486895, 4294967303]> : tensor<2xi64>})
    -> (tensor<3x5xf64> {drawloom.expect = dense<[[0.843, -0.504, 0.151, 0.66, 0.814], [-0.081, -0.158, 0.568, -0.713, 0.552], [2.068, -2.109, 0.364, 0.534, 0.226]]> : tensor<3x5xf64>})
    attributes {drawloom.test} {
  %o = drawloom.dropout %x, %r {rate = 0.0 : f64, site = 7 : i64} : (tensor<3x5xf64>, tensor<2xi64>) -> (tensor<3x5xf64>)
  return %o : tensor<3x5xf64>
}

func.func @split(%x: tensor<2x3x5xf64> {drawloom.value = dense<[[[-0.1, -0.818, 2.196, 0.035, -0.215], [-1.451, -0.336, -0.196, 0.627, -0.308], [-1.623, -0.944, 0.662, 1.02, -1.105]], [[-0.872, 2.097, 0.118, 0.304, 0.858], [0.695, -0.93, -1.479, -1.739, -0.144], [-0.005, -0.032, -0.175, -0.086, -0.405]]]> : tensor<2x3x5xf64>})
    -> (tensor<2x3x2xf64> {drawloom.expect = dense<[[[-0.1, -0.818], [-1.451, -0.336], [-1.623, -0.944]], [[-0.872, 2.097], [0.695, -0.93], [-0.005, -0.032]]]> : tensor<2x3x2xf64>}, tensor<2x3x1xf64> {drawloom.expect = dense<[[[2.196], [-0.196], [0.662]], [[0.118], [-1.479], [-0.175]]]> : tensor<2x3x1xf64>}, tensor<2x3x2xf64> {drawloom.expect = dense<[[[0.035, -0.215], [0.627, -0.308], [1.02, -1.105]], [[0.304, 0.858], [-1.739, -0.144], [-0.086, -0.405]]]> : tensor<2x3x2xf64>})
    attributes {drawloom.test} {
  %a, %b, %c = drawloom.split %x : (tensor<2x3x5xf64>) -> (tensor<2x3x2xf64>, tensor<2x3x1xf64>, tensor<2x3x2xf64>)
  return %a, %b, %c : tensor<2x3x2xf64>, tensor<2x3x1xf64>, tensor<2x3x2xf64>
}

func.func @concat(%a: tensor<2x3x2xf64> {drawloom.value = dense<[[[-0.1, -0.818], [-1.451, -0.336], [-1.623, -0.944]], [[-0.872, 2.097], [0.695, -0.93], [-0.005, -0.032]]]> : tensor<2x3x2xf64>},
    %b: tensor<2x3x1xf64> {drawloom.value = dense<[[[2.196], [-0.196], [0.662]], [[0.118], [-1.479], [-0.175]]]> : tensor<2x3x1xf64>},
    %c: tensor<2x3x2xf64> {drawloom.value = dense<[[[0.035, -0.215], [0.627, -0.308], [1.02, -1.105]], [[0.304, 0.858], [-1.739, -0.144], [-0.086, -0.405]]]> : tensor<2x3x2xf64>})
    -> (tensor<2x3x5xf64> {drawloom.expect = dense<[[[-0.1, -0.818, 2.196, 0.035, -0.215], [-1.451, -0.336, -0.196, 0.627, -0.308], [-1.623, -0.944, 0.662, 1.02, -1.105]], [[-0.872, 2.097, 0.118, 0.304, 0.858], [0.695, -0.93, -1.479, -1.739, -0.144], [-0.005, -0.032, -0.175, -0.086, -0.405]]]> : tensor<2x3x5xf64>})
    attributes {drawloom.test} {
  %x = drawloom.concat %a, %b, %c : (tensor<2x3x2xf64>, tensor<2x3x1xf64>, tensor<2x3x2xf64>) -> (tensor<2x3x5xf64>)
  return %x : tensor<2x3x5xf64>
}

func.func @cross_entropy(%l: tensor<2x3x4xf64> {drawloom.value = dense<[[[2.412, -0.802, 1.99, -1.096], [-2.072, 1.048, 3.17, -2.664], [-0.248, 1.67, 1.938, -2.558]], [[-1.262, -3.082, 2.788, -1.244], [1.24, 1.146, 0.368, -2.27], [2.146, 1.722, 0.304, 0.862]]]> : tensor<2x3x4xf64>},
    %t: tensor<2x3xi32> {drawloom.value = dense<[[3, 0, 1], [2, 2, 0]]> : tensor<2x3xi32>})
    -> (tensor<2x3xf64> {drawloom.expect = dense<[[4.053740725332566, 5.3624530858700865, 0.9037440034048096], [0.03728043278793098, 1.729938544195297, 0.7370929453490397]]> : tensor<2x3xf64>})
    attributes {drawloom.test} {
  %o = drawloom.cross_entropy %l, %t : (tensor<2x3x4xf64>, tensor<2x3xi32>) -> (tensor<2x3xf64>)
  return %o : tensor<2x3xf64>
}

func.func @cross_entropy_of_large_logits_is_finite(%l: tensor<1x2x2xf64> {drawloom.value = dense<[[[1000.0, 0.0], [-1000.0, 0.0]]]> : tensor<1x2x2xf64>},
    %t: tensor<1x2xi32> {drawloom.value = dense<[[1, 1]]> : tensor<1x2xi32>})
    -> (tensor<1x2xf64> {drawloom.expect = dense<[[1000.0, 0.0]]> : tensor<1x2xf64>})
    attributes {drawloom.test} {
  %o = drawloom.cross_entropy %l, %t : (tensor<1x2x2xf64>, tensor<1x2xi32>) -> (tensor<1x2xf64>)
  return %o : tensor<1x2xf64>
}

func.func @cross_entropy_grad(%d: tensor<2x3xf64> {drawloom.value = dense<[[0.985, 1.431, 1.954], [0.765, -0.911, -0.728]]> : tensor<2x3xf64>},
    %l: tensor<2x3x4xf64> {drawloom.value = dense<[[[2.412, -0.802, 1.99, -1.096], [-2.072, 1.048, 3.17, -2.664], [-0.248, 1.67, 1.938, -2.558]], [[-1.262, -3.082, 2.788, -1.244], [1.24, 1.146, 0.368, -2.27], [2.146, 1.722, 0.304, 0.862]]]> : tensor<2x3x4xf64>},
    %t: tensor<2x3xi32> {drawloom.value = dense<[[3, 0, 1], [2, 2, 0]]> : tensor<2x3xi32>})
    -> (tensor<2x3x4xf64> {drawloom.expect = dense<[[[0.5707212522917156, 0.02294043137098834, 0.3742413521329303, -0.9679030357956343], [-1.424289485036705, 0.15196886945999222, 1.2686082262463307, 0.0037123893303819557], [0.11626706497732354, -1.1625316990376926, 1.034723819675553, 0.011540814384815785]], [[0.0128403865254717, 0.0020804732690708374, -0.027994465957312167, 0.013073606162769666], [-0.3862961692334882, -0.35163874397288636, 0.7494839767252605, -0.01154906351888601], [0.37964986714920623, -0.22796864620368307, -0.055213533914814615, -0.0964676870307087]]]> : tensor<2x3x4xf64>})
    attributes {drawloom.test} {
  %o = drawloom.cross_entropy_grad %d, %l, %t : (tensor<2x3xf64>, tensor<2x3x4xf64>, tensor<2x3xi32>) -> (tensor<2x3x4xf64>)
  return %o : tensor<2x3x4xf64>
}

func.func @a_cast_rounds_nothing(%x: tensor<2x2xf64> {drawloom.value = dense<[[0.1, -3.0], [1.0e-9, 70000.0]]> : tensor<2x2xf64>})
    -> (tensor<2x2xf64> {drawloom.expect = dense<[[0.1, -3.0], [1.0e-9, 70000.0]]> : tensor<2x2xf64>}) attributes {drawloom.test} {
  %a = drawloom.cast %x : tensor<2x2xf64> to tensor<2x2xf16>
  %b = drawloom.cast %a : tensor<2x2xf16> to tensor<2x2xf64>
  return %b : tensor<2x2xf64>
}
