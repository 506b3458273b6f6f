package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// importOrder are the files that are read, each after those to which it refers.
var importOrder = []string{"coops.jsonl", "federations.jsonl", "memberships.jsonl", "projects.jsonl", "openings.jsonl"}

// importBatch is how much one transaction keeps.
const importBatch = 250

// samplesTaken is what import answers.
type samplesTaken struct {
	node.Kept
	Consortia   int       `json:"consortia"`             // openings too large for one coop: projects here
	Lots        int       `json:"lots"`                  // of those: openings here
	MembersOnly int       `json:"membersOnly"`           // openings that are kept and that no page shows
	Listed      int       `json:"listed"`                // memberships of coops without a node, which are never confirmed
	Missing     []string  `json:"missing,omitempty"`     // files that are not there
	Left        []string  `json:"left,omitempty"`        // files that were not read
	Bad         []problem `json:"bad,omitempty"`         // lines that were left out
	BadCount    int       `json:"badCount,omitempty"`    // of them, also those that are not named
	Replaced    int       `json:"replaced,omitempty"`    // samples that were here before
	Took        float64   `json:"tookSeconds,omitempty"` // with reading
}

// A sampleSet is an invented network as its files tell it.
type sampleSet struct {
	now         time.Time
	actors      []*node.Actor
	memberships []*node.Membership
	objects     []node.Object
	shares      []node.Reaction

	actorOf, projectOf, openingOf map[string]string // address by id
	known                         map[string]*node.Actor
	claims                        map[*node.Actor][]string // ids of federations
	nodeless                      map[string]bool          // by address
	lotsOf                        map[string][]string      // open lots by the id of a consortium
	taken                         map[string]bool          // addresses of objects
	samplesTaken
}

func importCommand(a *app) *cobra.Command {
	var skip, remove bool
	cmd := &cobra.Command{
		Use: "import DIR", Short: "Show an invented network, to try things out", Args: argsBetween(0, 1),
		Long: "Reads invented coops, federations, memberships, projects and openings from the files of DIR and keeps them as samples: marked\n" +
			"wherever they are shown, never asked, followed or written to. Importing again replaces what was imported before; --remove takes\n" +
			"it out. The files are described in: coopnode help import",
		Example: "  coopnode import ../shared/data\n  coopnode import --remove",
	}
	cmd.RunE = a.on(func(ctx context.Context, h *house, args []string) error {
		if remove {
			if len(args) > 0 {
				return wrongUse("--remove takes out all samples and reads no folder. Write: coopnode import --remove")
			}
			actors, objects, err := h.RemoveSamples(ctx)
			if err != nil {
				return err
			}
			if err := h.Note(ctx, a.by(), "sample.remove", "", ""); err != nil {
				return err
			}
			return a.show(map[string]int{"actors": actors, "objects": objects}, func(w io.Writer) {
				fmt.Fprintf(w, "Taken out: %d coops and federations, %d openings and projects.\n", actors, objects)
			})
		}
		if len(args) == 0 {
			return wrongUse("Something is missing. Write: %s", cmd.UseLine())
		}
		return a.importSamples(ctx, h, args[0], skip)
	})
	cmd.Flags().BoolVar(&skip, "skip-bad", false, "leave out lines that cannot be read, and import the rest")
	cmd.Flags().BoolVar(&remove, "remove", false, "take all samples out again")
	return cmd
}

func (a *app) importSamples(ctx context.Context, h *house, dir string, skip bool) error {
	start := time.Now()
	s, err := a.readSamples(h, dir)
	if err != nil {
		return err
	}
	if len(s.Bad) > 0 && !skip {
		var lines []string
		for _, p := range s.Bad {
			lines = append(lines, p.String())
		}
		if more := s.BadCount - len(s.Bad); more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", more))
		}
		return &node.Error{Op: "import", Kind: node.Invalid, Text: "Nothing was imported. Correct these lines, or leave them out with --skip-bad:\n  " + strings.Join(lines, "\n  ")}
	}
	if s.Replaced, _, err = h.RemoveSamples(ctx); err != nil {
		return err
	}
	if err := a.keepSamples(ctx, h, s); err != nil {
		return err
	}
	if err := h.Note(ctx, a.by(), "sample.load", dir, ""); err != nil {
		return err
	}
	s.Took = time.Since(start).Seconds()
	return a.show(s.samplesTaken, func(w io.Writer) { s.write(w) })
}

// write says what was imported, as people read it.
func (s *sampleSet) write(w io.Writer) {
	fmt.Fprintf(w, "Imported as samples: %d coops, %d federations, %d memberships, %d projects, %d openings, %d shares.\n",
		s.Coops, s.Federations, s.Memberships, s.Projects, s.Openings, s.Kept.Shares)
	for _, line := range []struct {
		count int
		text  string
	}{
		{s.Consortia, fmt.Sprintf("%d openings are too large for one coop: each is a project, and its %d lots are openings of it.", s.Consortia, s.Lots)},
		{s.MembersOnly, fmt.Sprintf("%d are for members of some federations only: they are kept, and no page shows them.", s.MembersOnly)},
		{s.Listed, fmt.Sprintf("%d memberships are of coops without a node: they are listed, not confirmed.", s.Listed)},
		{len(s.Real), fmt.Sprintf("Left out, because somebody real is known at the same host: %s.", oneLine(strings.Join(s.Real, ", ")))},
		{len(s.Missing), fmt.Sprintf("There was no %s.", strings.Join(s.Missing, ", "))},
		{len(s.Left), fmt.Sprintf("Not read: %s.", oneLine(strings.Join(s.Left, ", ")))},
		{s.BadCount, fmt.Sprintf("%d lines were left out:", s.BadCount)},
	} {
		if line.count > 0 {
			fmt.Fprintln(w, line.text)
		}
	}
	for _, p := range s.Bad {
		fmt.Fprintln(w, " ", oneLine(p.String()))
	}
}

// maxProblems is how many bad lines are named.
const maxProblems = 20

// bad notes a line that cannot be imported.
func (s *sampleSet) bad(p problem) {
	if s.BadCount++; len(s.Bad) < maxProblems {
		s.Bad = append(s.Bad, p)
	}
}

// readSamples reads all files of a folder and checks that they fit together.
func (a *app) readSamples(h *house, dir string) (*sampleSet, error) {
	s := &sampleSet{now: h.Now(), actorOf: map[string]string{}, projectOf: map[string]string{}, openingOf: map[string]string{}, known: map[string]*node.Actor{},
		claims: map[*node.Actor][]string{}, nodeless: map[string]bool{}, lotsOf: map[string][]string{}, taken: map[string]bool{}}
	var files []fs.DirEntry
	if err := asCaller(func() (err error) { files, err = os.ReadDir(dir); return err }); err != nil {
		return nil, missing("There is no folder %s that could be read.", dir)
	}
	bar := a.progress("read")
	defer bar.end()
	for _, f := range files {
		if info, err := f.Info(); err == nil && slices.Contains(importOrder, f.Name()) {
			bar.total += info.Size()
		} else if filepath.Ext(f.Name()) == ".jsonl" {
			s.Left = append(s.Left, f.Name())
		}
	}
	if bar.total == 0 {
		return nil, missing("%s holds none of the files that can be imported: %s. See: coopnode help import", dir, strings.Join(importOrder, ", "))
	}
	coops, err := rowsOf[coopRow](s, dir, importOrder[0], bar)
	if err != nil {
		return nil, err
	}
	federations, err := rowsOf[federationRow](s, dir, importOrder[1], bar)
	if err != nil {
		return nil, err
	}
	memberships, err := rowsOf[membershipRow](s, dir, importOrder[2], bar)
	if err != nil {
		return nil, err
	}
	projects, err := rowsOf[projectRow](s, dir, importOrder[3], bar)
	if err != nil {
		return nil, err
	}
	openings, err := rowsOf[openingRow](s, dir, importOrder[4], bar)
	if err != nil {
		return nil, err
	}
	each(s, importOrder[0], coops, s.addCoop)
	each(s, importOrder[1], federations, s.addFederation)
	s.claim()
	each(s, importOrder[2], memberships, s.addMembership)
	for i := range projects {
		s.nameProject(&projects[i].value)
	}
	each(s, importOrder[4], openings, s.addOpening)
	each(s, importOrder[3], projects, s.addProject)
	return s, nil
}

// rowsOf reads one file, which may be absent.
func rowsOf[T any](s *sampleSet, dir, name string, bar *progress) ([]row[T], error) {
	rows, err := readRows[T](dir, name, bar.add, s.bad)
	if node.IsNotFound(err) {
		s.Missing = append(s.Missing, name)
		return nil, nil
	}
	return rows, err
}

// each takes the rows of a file one by one.
func each[T any](s *sampleSet, name string, rows []row[T], add func(*T) error) {
	for i := range rows {
		if err := add(&rows[i].value); err != nil {
			s.bad(problem{name, rows[i].line, why(err)})
		}
	}
}

// why is what is wrong, without the name of the operation that found it.
func why(err error) string {
	var e *node.Error
	if errors.As(err, &e) && e.Text != "" {
		return e.Text
	}
	return err.Error()
}

// keepSamples writes what was read, a batch in each transaction.
func (a *app) keepSamples(ctx context.Context, h *house, s *sampleSet) error {
	bar := a.progress("import")
	bar.amount = func(n int64) string { return strconv.FormatInt(n, 10) }
	defer bar.end()
	total, done := int64(len(s.actors)+len(s.memberships)+len(s.objects)+len(s.shares)), int64(0)
	keep := func(part node.Samples) error {
		kept, err := h.KeepSamples(ctx, &part)
		s.Kept.Add(kept)
		done += int64(len(part.Actors) + len(part.Memberships) + len(part.Objects) + len(part.Shares))
		bar.show(done, total)
		return err
	}
	for part := range slices.Chunk(s.actors, importBatch) {
		if err := keep(node.Samples{Actors: part}); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(s.memberships, importBatch) {
		if err := keep(node.Samples{Memberships: part}); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(s.objects, importBatch) {
		if err := keep(node.Samples{Objects: part}); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(s.shares, importBatch) {
		if err := keep(node.Samples{Shares: part}); err != nil {
			return err
		}
	}
	return nil
}
