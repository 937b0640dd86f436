package cli

import (
	"slices"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/celeba"
	"github.com/lethe-audit/lethe/dataset/cifar"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/dataset/csvlist"
	"github.com/lethe-audit/lethe/dataset/idx"
	"github.com/lethe-audit/lethe/dataset/imagefolder"
	"github.com/lethe-audit/lethe/dataset/imagenet"
)

// dataKinds are the kinds of data that a source KIND:PATH can name.
func dataKinds() dataset.Catalog {
	kinds := dataset.Catalog{
		cifar.CIFAR10(), cifar.CIFAR100(), cifar.CIFAR10C(), cifar.CIFAR101(), idx.Kind(), imagefolder.Kind(),
		imagenet.Kind(), imagenet.CorruptedKind(), celeba.Kind(), csvlist.Kind(),
	}
	kinds = append(kinds, imagenet.NaturalKinds()...)
	for i := range kinds {
		own := slices.ContainsFunc(kinds[i].Options, func(o dataset.OptionInfo) bool { return o.Name == "corruption" })
		if !own { // cifar10c's images are corrupted already
			kinds[i].Shift = corrupt.Shift
		}
	}
	return kinds
}
