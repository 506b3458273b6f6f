package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A stage is where the shell blocks of the help topics are played: a node, and two neighbours that the topics call
// trenza.example and trama.example, the second of them a federation. All three are for this machine alone.
type stage struct {
	testing.TB
	dir   string            // where the commands run
	pairs []string          // what stands in the topics, and what it is here
	ids   map[string]string // what ID is, by the first words of the command
	env   []string
}

// shellWords are the first words of lines that a person types.
var shellWords = []string{"coopnode", "sudo", "curl"}

// shellLines are the lines of a topic that a person types: indented, without what is said of them behind.
func shellLines(topic string) []string {
	var out []string
	whole := ""
	for line := range strings.Lines(topic) {
		code, indented := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		if first, _, _ := strings.Cut(code, " "); !indented || whole == "" && !slices.Contains(shellWords, first) {
			continue
		}
		whole += aside.ReplaceAllString(code, "")
		if rest, goesOn := strings.CutSuffix(whole, `\`); goesOn {
			whole = rest
			continue
		}
		out = append(out, whole)
		whole = ""
	}
	return out
}

// aside is what a topic says of a command behind it.
var aside = regexp.MustCompile(`(  +[^-' ].*)$`)

// notPlayed are lines that another test plays, or that cannot be played on any machine that tests.
var notPlayed = map[string]string{
	"coopnode demo":                 "TestDemoWithAPerson",
	"coopnode demo --script":        "TestDemoScript",
	"coopnode demo --script --json": "TestDemoScript",
	"coopnode opening new":          "opens an editor: TestForms",
	"coopnode init coop.example":    "TestInternet",
	"coopnode init social.coop.example --handle-domain coop.example": "TestInitHandleDomain",
	"coopnode profile edit": "opens an editor: TestForms",
}

// endsWith are the lines that do not end with 0 on the stage, what they end with and what they say: they need a server
// that is not there, or a person at a terminal, or the line before has done what this one is for.
var endsWith = map[string]struct {
	code int
	says string
}{
	"coopnode db compact": {exitBusy, "uses the data"}, // a node serves here: TestDatabaseCommands
	"coopnode federation refuse trenza.example --reason 'You have no members yet.'": {3, "No application"},
	"coopnode member object trenza.example --reason 'It has no members.'":           {3, "No application"},
	"coopnode notice test --to ana@coop.example":                                    {exitRefused, "mail.coop.example"},
	"coopnode member invitations decline trama.example":                             {3, "Nothing is known"},
	"coopnode block import list.csv":                                                {exitUsage, "Say --yes"},
	"coopnode notice test --webhook":                                                {exitRefused, "tools.coop.example"},
	"coopnode federation shares pass k3vq7hd2ma":                                    {3, "No member offers"},
	"coopnode federation shares refuse k3vq7hd2ma":                                  {3, "No member offers"},
}

// TestHelpBlocks plays every shell block of the help topics, in its order: nobody shall type what is printed and read that
// there is no such command, flag or setting.
func TestHelpBlocks(t *testing.T) {
	t.Parallel()
	bin := released(t)
	for _, name := range topics() {
		text, err := helpFiles.ReadFile("help/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		lines := shellLines(string(text))
		if len(lines) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := newStage(t, bin)
			if prepare := scenes[name]; prepare != nil {
				prepare(s)
			}
			for _, line := range lines {
				if notPlayed[line] == "" {
					s.play(line)
				}
			}
		})
	}
}

// scenes prepare what a topic takes for granted.
var scenes = map[string]func(*stage){
	"start": func(s *stage) { s.picture("logo.png") },
	"backup": func(s *stage) {
		s.must("mkdir usb && cp own/master.key . && touch erased.log")
		s.must("coopnode backup now.tar.gz && tar -xzOf now.tar.gz coopnode.db > copy.db && rm now.tar.gz") // as Litestream restores one
	},
	"delivery": func(s *stage) { s.ids["delivery"] = s.must("coopnode opening new --title Bread -q") },
	"federation": func(s *stage) {
		s.must("coopnode --data trenza profile set ownership=workers members=12")
	},
	"import": func(s *stage) {
		s.write("DIR/coops.jsonl", `{"id":"mill","domain":"mill.example","name":"The mill","node":"coopnode"}`+"\n")
	},
	"inbox": func(s *stage) {
		s.must("coopnode --data trenza follow own.example")
		s.until("trenza follows", func() bool { _, said := s.run("coopnode followers list"); return strings.Contains(said, "trenza") })
		reply := s.here("coopnode --data trenza post new -q --text 'We bake.' --reply-to http://own.example/ap/openings/" + s.must("coopnode opening new --title Bread -q"))
		s.until("trenza replies", func() (sent bool) {
			code, said := s.run(reply)
			s.ids["inbox"] = s.here("http://trenza.example/ap/posts/") + strings.TrimSpace(said)
			return code == 0
		})
		s.must("coopnode --data trenza report new @localhost@own.example --comment 'Much bread.'")
		s.until("the reply is there, and the report", func() bool {
			_, inbox := s.run("coopnode inbox list")
			_, reports := s.run("coopnode report list")
			for line := range strings.Lines(reports) {
				s.ids["report"], _, _ = strings.Cut(line, " ")
			}
			return strings.Contains(inbox, "We bake") && strings.Contains(reports, "Much bread")
		})
		s.ids["report new"] = s.ids["inbox"]
	},
	"member": func(s *stage) {
		s.must("coopnode --data trama federation create --rule approvals --approvals 1")
	},
	"moderation": func(s *stage) {
		s.say("ADDRESS", "@trenza@trenza.example")
		s.write("list.csv", "#domain,#severity\nadvertising.example,suspend\n")
	},
	"openings": func(s *stage) {
		s.write("audit.toml", "title = \"Accessibility audit\"\n")
		s.ids["opening"] = s.must("coopnode opening new --title Bread -q")
		s.ids["opening new"] = s.must("coopnode project new --title Bakery -q")
	},
	"privacy": func(s *stage) {
		s.must("coopnode person invite Xoana --mail xoana@mill.example --role editor && coopnode follow trenza.example")
		s.say("@bea@bakery.example", "@trenza@trenza.example", "ADDRESS", "http://trenza.example/ap/coop")
		s.ids["erase"] = s.must("coopnode opening new --title Bread -q")
	},
	"share": func(s *stage) {
		id := s.must("coopnode --data trenza opening new --title Bread -q")
		s.say("https://trenza.example/openings/k3vq7hd2ma", "http://trenza.example/openings/"+id, "k3vq7hd2ma", id, "ADDRESS", "http://trenza.example/openings/"+id)
	},
}

// before is what somebody else does before a line is played.
var before = map[string][]string{
	"coopnode member approve trenza.example":                                                {"coopnode member applications | grep -q trenza"},
	"coopnode member object trenza.example --reason 'It has no members.'":                   {"! coopnode member applications | grep -q trenza"},
	"coopnode member applications":                                                          {"coopnode member list | grep -q confirmed", "coopnode --data trenza member apply trama.example"},
	"coopnode federation admit trenza.example --vouch worker-owned --vouch legal-form-seen": {"coopnode --data trenza member apply own.example"},
	"coopnode federation vouch trenza.example worker-owned registered":                      {"coopnode federation members"},
	"coopnode federation exclude trenza.example --reason 'No answer for a year.'":           {"coopnode federation members"},
	"coopnode followers remove @somebody@place.example":                                     {"coopnode --data trenza follow own.example"},
	"coopnode followers approve @somebody@place.example":                                    {"coopnode --data trenza unfollow own.example", "coopnode --data trenza follow own.example"},
	"coopnode member leave trama.example":                                                   {"coopnode --data trama federation admit own.example"},
	"coopnode member invitations accept trama.example":                                      {"coopnode --data trama federation invite own.example --text Come"},
	"coopnode profile move @toxeira@new.example":                                            {"coopnode --data trenza profile alias add own.example"},
}

// newStage makes the nodes and lets them serve.
func newStage(t testing.TB, bin string) *stage {
	s := &stage{TB: t, dir: t.TempDir(), ids: map[string]string{}}
	s.env = []string{"PATH=" + filepath.Dir(bin) + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "COOPNODE_DATA=" + filepath.Join(s.dir, "own")}
	own, trenza, trama, a, b := "localhost:"+freePort(), "trenza.localhost:"+freePort(), "trama.localhost:"+freePort(), freePort(), freePort()
	s.say("@somebody@place.example", "@trenza@"+trenza, "@troll@big.example", "@trenza@"+trenza, "@argan@social.example", "@trenza@"+trenza, "@toxeira@new.example", "@trenza@"+trenza,
		"@toxeira@microblog.example", "@trama@"+trama, "@ponte@ponte.example", "@trama@"+trama, "@quebracho@quebracho.localhost:8803", "@trenza@"+trenza,
		"trenza.example", trenza, "trama.example", trama, "toxeira.example", trenza, "ponte.example", trama, "own.example", own,
		"localhost:8080", "localhost:"+a, "localhost:8081", "localhost:"+b, ":8081:", ":"+b+":", "/mnt/usb", "usb", "FILE", "own/coopnode.toml", "ADDRESS", "spam.example", "https://files.example/openings.json", "http://"+trenza+"/ap/coop/outbox")
	for _, n := range []struct{ host, data string }{{own, "own"}, {trenza, "trenza"}, {trama, "trama"}} {
		s.must("coopnode init " + n.host + " --dev --yes --data " + n.data)
		s.serve("coopnode serve --data " + n.data)
	}
	return s
}

// say adds pairs of what stands in the topics and what it is here, which go before those that were said.
func (s *stage) say(pairs ...string) {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = s.here(pairs[i])
	}
	s.pairs = append(pairs, s.pairs...)
}

// here is a line as it is typed on this stage.
func (s *stage) here(line string) string { return strings.NewReplacer(s.pairs...).Replace(line) }

// must runs a line that prepares the stage and returns the first word that it answers.
func (s *stage) must(line string) string {
	s.Helper()
	code, said := s.run(s.here(line))
	if code != 0 {
		s.Fatalf("%s: %d\n%s", line, code, said)
	}
	word, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return word
}

// until waits for something that is on its way.
func (s *stage) until(what string, done func() bool) {
	s.Helper()
	for limit := time.Now().Add(30 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(limit) {
			s.Fatalf("it does not come that %s", what)
		}
	}
}

// write writes a file that a topic names.
func (s *stage) write(name, text string) {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		s.Fatal(err)
	}
}

// picture draws one.
func (s *stage) picture(name string) {
	s.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 300))); err != nil {
		s.Fatal(err)
	}
	s.write(name, b.String())
}

// serve runs a server until the topic is over and returns when it listens.
func (s *stage) serve(line string) {
	s.Helper()
	cmd := exec.Command("sh", "-c", "exec "+line)
	cmd.Dir, cmd.Env = s.dir, s.env
	var log quietBuffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for limit := time.Now().Add(30 * time.Second); !strings.Contains(log.String(), "listens on"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			s.Fatalf("%s does not listen:\n%s", line, &log)
		}
	}
}

// run runs a line in a shell, as a person who types it, and returns how it ends and all that it says.
func (s *stage) run(line string) (code int, said string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env, cmd.Stdin = s.dir, s.env, strings.NewReader("secret\n")
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// play runs one line as it is printed and looks how it ends. What others do before may take its time to arrive.
func (s *stage) play(line string) {
	s.Helper()
	typed := s.here(line)
	words := strings.Fields(line)
	for n := min(3, len(words)); n > 1; n-- {
		if id := s.ids[strings.Join(words[1:n], " ")]; id != "" {
			typed = idWord.ReplaceAllString(typed, id)
		}
	}
	if strings.HasPrefix(line, "coopnode serve") {
		s.serve(typed)
		return
	}
	for _, other := range before[line] {
		s.until(other, func() bool { code, _ := s.run(s.here(other)); return code == 0 })
	}
	want, wait := endsWith[line], time.Now()
	if before[line] != nil {
		wait = wait.Add(20 * time.Second)
	}
	for {
		code, said := s.run(typed)
		if code == want.code && strings.Contains(said, want.says) {
			return
		}
		if time.Now().After(wait) {
			s.Errorf("%s\nends with %d, want %d and %q:\n%s", typed, code, want.code, want.says, said)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// idWord is what stands in the topics for the id of something.
var idWord = regexp.MustCompile(`\bID\b`)
