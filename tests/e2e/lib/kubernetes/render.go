// SPDX-License-Identifier: GPL-2.0-or-later

// render CHART - what Helm makes of the templates of a chart: YAML documents on standard output. On standard input is what the
// templates see, as JSON: {"Values": ..., "Chart": ..., "Release": ...}. Knows those functions of Helm that the chart uses; any other is
// an error.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"text/template"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func main() {
	var seen map[string]interface{}
	fail(json.NewDecoder(os.Stdin).Decode(&seen))
	all := template.New("chart").Option("missingkey=error")
	all.Funcs(template.FuncMap{
		"include": func(name string, data interface{}) (string, error) {
			var out bytes.Buffer
			err := all.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"toJson": func(v interface{}) (string, error) {
			out, err := json.Marshal(v)
			return string(out), err
		},
		"quote": func(v interface{}) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"default": func(d, v interface{}) interface{} {
			if v == nil || reflect.ValueOf(v).IsZero() {
				return d
			}
			return v
		},
		"trunc": func(n int, s string) string {
			if len(s) > n {
				return s[:n]
			}
			return s
		},
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
	})
	files, err := filepath.Glob(filepath.Join(os.Args[1], "templates", "*"))
	fail(err)
	for _, path := range files {
		text, err := os.ReadFile(path)
		fail(err)
		_, err = all.New(filepath.Base(path)).Parse(string(text))
		fail(err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		if !strings.HasPrefix(name, "_") && name != "NOTES.txt" {
			fmt.Printf("---\n")
			fail(all.ExecuteTemplate(os.Stdout, name, seen))
		}
	}
	fail(all.ExecuteTemplate(os.Stderr, "NOTES.txt", seen))
}
