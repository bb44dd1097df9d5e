// Publishes events in every content mode of the CloudEvents SDK for Go and prints what the SDK reads back. Input and output: see ../programs.ts.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

var server = os.Args[1]

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func named(sent event.Event, mode string) event.Event {
	copied := sent.Clone()
	copied.SetID(sent.ID() + "-" + mode)
	return copied
}

func post(request *http.Request) {
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(err)
	if answer.StatusCode >= 300 {
		check(fmt.Errorf("%s %d %s", request.Header, answer.StatusCode, text))
	}
}

func publish(ctx context.Context, sent event.Event) {
	request, err := http.NewRequest("POST", server+"/v1/events", nil)
	check(err)
	check(cehttp.WriteRequest(ctx, binding.ToMessage(&sent), request))
	post(request)
}

func publishBatch(sent []event.Event) {
	request, err := cehttp.NewHTTPRequestFromEvents(context.Background(), server+"/v1/events/batch", sent)
	check(err)
	post(request)
}

func printStored(id string, source string) {
	answer, err := http.Get(server + "/v1/events/" + url.PathEscape(id) + "?source=" + url.QueryEscape(source))
	check(err)
	defer answer.Body.Close()
	answer.Header.Set("Content-Type", "application/cloudevents+json")
	stored, err := cehttp.NewEventFromHTTPResponse(answer)
	check(err)
	check(stored.Validate())
	text, err := json.Marshal(stored)
	check(err)
	var compact bytes.Buffer
	check(json.Compact(&compact, text))
	fmt.Println(compact.String())
}

func main() {
	var all []event.Event
	check(json.NewDecoder(os.Stdin).Decode(&all))
	var batch []event.Event
	for _, sent := range all {
		publish(binding.WithForceStructured(context.Background()), named(sent, "structured"))
		publish(binding.WithForceBinary(context.Background()), named(sent, "binary"))
		batch = append(batch, named(sent, "batch"))
	}
	publishBatch(batch)
	for _, sent := range all {
		for _, mode := range []string{"structured", "binary", "batch"} {
			printStored(sent.ID()+"-"+mode, sent.Source())
		}
	}
}
