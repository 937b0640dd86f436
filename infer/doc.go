// Package infer runs models over images and writes down what they predict: the
// step from a model and a data set to waist 1.
//
//	dataset.Loader ─▶ engine.Session ─▶ scores file ─▶ prediction.Member
//
// Decoding, preprocessing and computing overlap. The scores of each model go to
// a file of their own in a work folder, whole or not at all, under a key made of
// the model's, the data's and the settings' digests: a run that was killed takes
// up the models that are done and gives the same bits.
//
// How many images are computed at once never changes a prediction: a model in
// which images of a batch depend on one another is run one image at a time, and
// the predictions say so.
package infer
