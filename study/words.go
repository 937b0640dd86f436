package study

// Word is a text of the page itself, in English, with the name under which a
// file of questions may translate it.
type Word struct{ Name, English string }

// Words are the texts of the page. {number} and {all} stand for what is filled
// in.
func Words() []Word {
	return []Word{
		{"yes", "Yes"},
		{"no", "No"},
		{"yes-key", "y"}, // a letter
		{"no-key", "n"},
		{"unsure", "Cannot say"},
		{"label", "Label"},
		{"image", "Image"},
		{"of", "{number} of {all}"},
		{"done", "{number} of {all} images answered"},
		{"begin", "Begin"},
		{"continue", "Continue"},
		{"review", "Look through your answers"},
		{"back", "Back"},
		{"next", "Save and go on"},
		{"start", "Start page"},
		{"auto", "After the last question the next image comes by itself."},
		{"use-keys", "Answer with these keys"},
		{"thanks", "Thank you. All your images are answered; you may close this page."},
		{"keys", "Keys"},
		{"key-back", "one question back"},
		{"key-next", "next image"},
		{"space", "Space"},
		{"backspace", "Backspace"},
		{"enter", "Enter"},
		{"not-saved", "Not saved. Check the connection, then answer again."},
		{"unanswered", "Some questions of this image have no answer yet."},
		{"missing", "This image cannot be shown."},
		{"language", "Language"},
	}
}

// wordNamed is a word in English, "" if there is none of that name.
func wordNamed(words []Word, name string) string {
	for _, w := range words {
		if w.Name == name {
			return w.English
		}
	}
	return ""
}

// word is a word of the page in a language.
func (q *Questionnaire) word(name, language string) string {
	if s, ok := q.Words[name][language]; ok {
		return s
	}
	return wordNamed(Words(), name)
}
