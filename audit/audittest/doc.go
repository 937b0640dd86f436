// Package audittest helps to test checks: it makes small tables of random
// predictions with the shapes that checks must cope with, collects what a
// check emits, and makes the changes to a table whose effect on findings is
// known (rows in another order, baseline and variant swapped).
package audittest
