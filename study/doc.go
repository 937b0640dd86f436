// Package study asks people about forgotten examples without telling them which
// they are: the human study of Hooker et al. (arXiv 1911.05248) on anybody's
// audit.
//
// The line inside the package:
//
//	examples of an audit ─▶ Draw ─▶ Plan ─▶ Write ─┬─▶ study.json   blind
//	                                               └─▶ key.json     who is in which group
//	study.json + images ─▶ Desk + Handler ─▶ answers/NAME.jsonl
//	key.json + answers ─▶ Unblind ─▶ Result ─▶ findings
//
// # Design
//
// A pair is a PIE, drawn at random among those of one variant, and a non-PIE of
// the same class (and, where asked, of nearly the same margin), drawn at random
// too. Both images of a pair go to the same annotators, who see all of their
// images in an order of their own. So an annotator who says yes often says so
// about both sides of a pair, and the difference does not feel it.
//
// # Statistic
//
// The image is the unit, however many people judge it. For a property, the
// answers of a person about an image count where the same person answered about
// the pair's other image; yᵢ is the share of yes among them. The shares are the
// means of y over PIEs and over non-PIEs, with Wilson's interval on the
// effective sample size; the difference has Newcombe's for pairs. The test is the
// sign-flip test of the differences within pairs, exact below 20 pairs that
// differ, corrected over the properties.
//
// # Assumes
//
// Pairs are independent draws. Intervals cover other images of the kind, judged
// by the same people; with few annotators nothing is said about other people.
//
// # Files
//
// doc/format/study.md describes every file. [Version] is theirs.
package study

// Version is the version of study.json, key.json and the files of answers.
//
//	1  first version
const Version = 1

// The names of the files of a study.
const (
	StudyFile    = "study.json"     // what annotators' pages are made of: no group in it
	KeyFile      = "key.json"       // which image is in which group
	AnswersDir   = "answers"        // one file an annotator
	FindingsFile = "findings.jsonl" // what closing the study writes
	RatingsFile  = "ratings.csv"    // every answer with its group, written with the findings
	tokensFile   = "tokens.json"    // who may answer as whom
	lockFile     = "study.lock"
	addressFile  = "address" // of the server that holds the lock
)
