input = "clean"
output = "pairs"

degradation {
  type = "blur"
  filter = ["box", "gauss", "lens"]
  target_kernel = {
    box = [1, 3]
    gauss = [1, 2]
    lens = [0.5, 2]
  }
  probability = 0.4
}
degradation {
  type = "resize"
  alg_lq = ["box", "cubic_catrom", "linear"]
  alg_hq = ["lagrange"]
  spread = [1, 2, 0.05]
  scale = 4
}
degradation {
  type = "noise"
  type_noise = ["gauss", "uniform"]
  alpha = [0.1, 0.2, 0.05]
  y_noise = 0.5
  probability = 0.6
}
degradation {
  type = "compress"
  algorithm = ["jpeg", "webp"]
  jpeg_sampling = ["4:4:4", "4:2:0"]
  compress = [60, 95]
}
