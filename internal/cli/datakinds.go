package cli

import (
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
		cifar.CIFAR10(), cifar.CIFAR100(), idx.Kind(), imagefolder.Kind(),
		imagenet.Kind(), celeba.Kind(), csvlist.Kind(),
	}
	for i := range kinds {
		kinds[i].Shift = corrupt.Shift
	}
	return kinds
}
