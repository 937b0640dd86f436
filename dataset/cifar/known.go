package cifar

import "github.com/lethe-audit/lethe/dataset"

// terms is what the publisher asks for.
const terms = "the publisher states no licence; asks to cite Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

// page is where both sets are described; it gives the md5 of the archives.
const page = "https://www.cs.toronto.edu/~kriz/cifar.html"

func known10() dataset.KnownSet {
	return dataset.KnownSet{
		Name: "cifar10", Title: "CIFAR-10", Page: page, Terms: terms, Source: "cifar10:DIR",
		Files: []dataset.KnownFile{
			{Name: "data_batch_1.bin", Bytes: 30730000, Digest: "sha256:cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
			{Name: "data_batch_2.bin", Bytes: 30730000, Digest: "sha256:a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
			{Name: "data_batch_3.bin", Bytes: 30730000, Digest: "sha256:bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
			{Name: "data_batch_4.bin", Bytes: 30730000, Digest: "sha256:014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
			{Name: "data_batch_5.bin", Bytes: 30730000, Digest: "sha256:755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
			{Name: "test_batch.bin", Bytes: 30730000, Digest: "sha256:8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
		},
		Downloads: []dataset.Download{{
			URL:  "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
			Name: "cifar-10-binary.tar.gz", Bytes: 170052171, Unpack: true,
			Digest: "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
		}},
	}
}

func known100() dataset.KnownSet {
	return dataset.KnownSet{
		Name: "cifar100", Title: "CIFAR-100", Page: page, Terms: terms, Source: "cifar100:DIR",
		Files: []dataset.KnownFile{
			{Name: "train.bin", Bytes: 153700000, Digest: "sha256:f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"},
			{Name: "test.bin", Bytes: 30740000, Digest: "sha256:d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"},
		},
		Downloads: []dataset.Download{{
			URL:  "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
			Name: "cifar-100-binary.tar.gz", Bytes: 168513733, Unpack: true,
			Digest: "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
		}},
	}
}

// classes10 are the names in batches.meta.txt.
func classes10() []string {
	return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
}

// coarse100 are the names in coarse_label_names.txt.
func coarse100() []string {
	return []string{
		"aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
		"household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
		"large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
		"people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
	}
}

// fine100 are the names in fine_label_names.txt.
func fine100() []string {
	return []string{
		"apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
		"bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
		"cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
		"forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
		"lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
		"orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
		"possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
		"skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
		"telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
		"willow_tree", "wolf", "woman", "worm",
	}
}
