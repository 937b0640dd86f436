// Package corrupt applies the common corruptions of Hendrycks and Dietterich,
// "Benchmarking Neural Network Robustness to Common Corruptions and
// Perturbations", ICLR 2019 (arXiv:1903.12261): 15 that make up the benchmark
// and 4 that were held out for validation, each at severities 1 to 5.
//
// Parameters and definitions are those of the authors' programs, in
// github.com/hendrycks/robustness, folder ImageNet-C/create_c:
// make_imagenet_c.py (preset "imagenet-c", images of 224 pixels) and
// make_cifar_c.py (preset "cifar-c", 32 pixels). At another size the lengths
// in pixels (standard deviations, radii, shifts) are multiplied by the shorter
// side over 224 or 32; at those sizes they are the published ones.
//
// The random numbers are ours: the same image is not corrupted by the same
// noise as in the files that the authors distribute, but by noise of the same
// distribution. They are drawn from the example's id, the corruption, the
// severity and the seed alone, so an image comes out the same in any order, on
// any machine and with any number of goroutines.
//
// # What differs from the authors' programs
//
//   - frost: the authors lay photographs of frost over the image, which are
//     not ours to ship. The textures here are drawn by a program: the weights
//     are the published ones, the pictures under them are not. Numbers for
//     frost are not comparable with published ones.
//   - jpeg_compression: libjpeg's components, 4:2:0 means and quantization
//     tables, but Go's cosine transform, which rounds in another way: single
//     coefficients come out one step away.
//   - ImageNet-C was stored as JPEG of quality 85 after each corruption. Here
//     nothing is lost after it, as in CIFAR-10-C.
//   - elastic_transform interpolates at exact places, OpenCV's warpAffine at
//     multiples of 1/32 pixel. On images that are not square the three points
//     of its affine map are taken as (x, y); the authors' program swaps them,
//     which is the same on a square.
//   - spatter leaves an image as it is when the drawn layer is empty, where
//     the authors' program divides by zero.
//
// What looks odd and is theirs is kept: colours are cut, not rounded, to whole
// levels (motion_blur and the two that go through other programs round);
// glass_blur copies the neighbour's pixel and does not swap the two, because
// NumPy assigns through views; saturate turns grey to red at severities 4 and
// 5, grey having hue 0; motion_blur's kernel is one-sided, as ImageMagick's is.
package corrupt
