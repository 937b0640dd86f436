package idx

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// names of idx files of MNIST and of the sets that replace it.
const (
	trainImages = "train-images-idx3-ubyte"
	trainLabels = "train-labels-idx1-ubyte"
	testImages  = "t10k-images-idx3-ubyte"
	testLabels  = "t10k-labels-idx1-ubyte"
)

func known() []dataset.KnownSet {
	const mnist = "https://ossci-datasets.s3.amazonaws.com/mnist/"
	const fashion = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
	return []dataset.KnownSet{
		{
			Name: "mnist", Title: "MNIST: handwritten digits, 28x28 grey", Page: "http://yann.lecun.com/exdb/mnist",
			Terms:  "CC BY-SA 3.0 (LeCun, Cortes)",
			Source: "idx:DIR",
			Files: []dataset.KnownFile{
				{Name: trainImages, Bytes: 47040016, Digest: "md5:6bbc9ace898e44ae57da46a324031adb"},
				{Name: trainLabels, Bytes: 60008, Digest: "md5:a25bea736e30d166cdddb491f175f624"},
				{Name: testImages, Bytes: 7840016, Digest: "md5:2646ac647ad5339dbf082846283269ea"},
				{Name: testLabels, Bytes: 10008, Digest: "md5:27ae3e4e09519cfbb04c329615203637"},
			},
			Downloads: []dataset.Download{
				packed(mnist, trainImages, 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
				packed(mnist, trainLabels, 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
				packed(mnist, testImages, 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
				packed(mnist, testLabels, 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
			},
		},
		{
			Name: "fashion-mnist", Title: "Fashion-MNIST: clothes, 28x28 grey", Page: "https://github.com/zalandoresearch/fashion-mnist",
			Terms:  "MIT licence (Zalando SE)",
			Source: "idx:DIR",
			Files: []dataset.KnownFile{
				{Name: trainImages, Bytes: 47040016, Digest: "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
				{Name: trainLabels, Bytes: 60008, Digest: "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
				{Name: testImages, Bytes: 7840016, Digest: "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
				{Name: testLabels, Bytes: 10008, Digest: "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
			},
			Downloads: []dataset.Download{
				packed(fashion, trainImages, 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
				packed(fashion, trainLabels, 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
				packed(fashion, testImages, 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
				packed(fashion, testLabels, 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
			},
		},
	}
}

func packed(base, name string, size int64, sha256 string) dataset.Download {
	return dataset.Download{URL: base + name + ".gz", Name: name + ".gz", Bytes: size, Digest: "sha256:" + sha256}
}

// published recognizes a data set by its labels, since the files of all are
// named alike; "idx" and no classes if it is none of those known.
func published(labels []uint8) (name string, classes []string) {
	header := binary.BigEndian.AppendUint32([]byte{0, 0, 8, 1}, uint32(len(labels)))
	for _, s := range known() {
		for _, f := range s.Files {
			if !strings.Contains(f.Name, "-labels-") || f.Bytes != int64(len(header)+len(labels)) {
				continue
			}
			h, want, err := dataset.NewHash(f.Digest)
			if err != nil {
				continue
			}
			h.Write(header)
			h.Write(labels)
			if hex.EncodeToString(h.Sum(nil)) == want {
				return s.Name, classNames(s.Name)
			}
		}
	}
	return "idx", nil
}

func classNames(set string) []string {
	if set == "fashion-mnist" {
		return []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}
	}
	return nil
}
