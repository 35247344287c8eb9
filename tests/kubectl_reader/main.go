// Reads YAML as kubectl does, for tests/kubectl_reader.rs.
//
// Each request is the length of a text in decimal, a line break and the text. Each answer is a line of JSON: {"objects":
// [...]} with what kubectl makes of each document (documents of nothing are left out, as kubectl leaves them out), or
// {"error": "..."}.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

type answer struct {
	Objects []json.RawMessage `json:"objects"`
	Error   string            `json:"error,omitempty"`
}

// read is what kubectl's visitor of streams does (k8s.io/cli-runtime, pkg/resource, StreamVisitor).
func read(text []byte) (result answer) {
	defer func() {
		if failure := recover(); failure != nil {
			result = answer{Error: fmt.Sprint("panic: ", failure)}
		}
	}()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	result.Objects = []json.RawMessage{}
	for {
		var object json.RawMessage
		if err := decoder.Decode(&object); err != nil {
			if err == io.EOF {
				return result
			}
			return answer{Error: err.Error()}
		}
		object = bytes.TrimSpace(object)
		if len(object) == 0 || bytes.Equal(object, []byte("null")) {
			continue
		}
		// kubectl reads the JSON once more into maps: of a key that stands twice the last one counts.
		var value any
		numbers := json.NewDecoder(bytes.NewReader(object))
		numbers.UseNumber()
		if err := numbers.Decode(&value); err != nil {
			return answer{Error: err.Error()}
		}
		// The maps hold int64 and float64.
		var numbered any
		if err := json.Unmarshal(object, &numbered); err != nil {
			return answer{Error: err.Error()}
		}
		plain, err := json.Marshal(value)
		if err != nil {
			return answer{Error: err.Error()}
		}
		result.Objects = append(result.Objects, plain)
	}
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		line, err := input.ReadString('\n')
		if err == io.EOF {
			return
		}
		length, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(input, text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		encoded, err := json.Marshal(read(text))
		if err != nil {
			encoded, _ = json.Marshal(answer{Error: err.Error()})
		}
		output.Write(append(encoded, '\n'))
		// Requests come one by one.
		output.Flush()
	}
}
