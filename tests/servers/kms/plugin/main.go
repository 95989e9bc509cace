// Command plugin is a small KMS v2 plugin for tests, on Kubernetes' own server
// library. What it does is steered by a file, read anew at every call.
package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/kms/pkg/service"
)

// order is the content of the file; every member may be left out.
type order struct {
	// KeyID names the key to encrypt with; another one is another key.
	KeyID string `json:"keyId"`
	// Version and Healthz are what Status says.
	Version string `json:"version"`
	Healthz string `json:"healthz"`
	// Code is a gRPC status that Encrypt and Decrypt end with.
	Code codes.Code `json:"code"`
	// Delay is how long they take, in milliseconds.
	Delay int `json:"delay"`
}

type plugin struct {
	file  string
	mutex sync.Mutex
	keys  map[string]cipher.AEAD
}

func main() {
	socket := flag.String("socket", "", "where to listen")
	file := flag.String("orders", "", "what steers it")
	flag.Parse()
	p := &plugin{file: *file, keys: map[string]cipher.AEAD{}}
	log.Fatal(service.NewGRPCService(*socket, 5*time.Second, p).ListenAndServe())
}

func (p *plugin) order() order {
	o := order{KeyID: "key-1", Version: "v2", Healthz: "ok"}
	if text, err := os.ReadFile(p.file); err == nil {
		json.Unmarshal(text, &o)
	}
	return o
}

func (p *plugin) key(id string) cipher.AEAD {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.keys[id] == nil {
		secret := make([]byte, 32)
		rand.Read(secret)
		block, _ := aes.NewCipher(secret)
		p.keys[id], _ = cipher.NewGCM(block)
	}
	return p.keys[id]
}

func (o order) refuse() error {
	time.Sleep(time.Duration(o.Delay) * time.Millisecond)
	if o.Code == codes.OK {
		return nil
	}
	return status.Error(o.Code, "by the order of the test")
}

const annotation = "nonce.plugin.envcrypt.dev"

func (p *plugin) Status(context.Context) (*service.StatusResponse, error) {
	o := p.order()
	return &service.StatusResponse{Version: o.Version, Healthz: o.Healthz, KeyID: o.KeyID}, nil
}

// Encrypt keeps the nonce in an annotation, so that one that is not given back
// does not open.
func (p *plugin) Encrypt(_ context.Context, uid string, data []byte) (*service.EncryptResponse, error) {
	o := p.order()
	if err := o.refuse(); err != nil {
		return nil, err
	}
	if uid == "" {
		return nil, errors.New("a request without uid")
	}
	nonce := make([]byte, 12)
	rand.Read(nonce)
	return &service.EncryptResponse{
		Ciphertext:  p.key(o.KeyID).Seal(nil, nonce, data, []byte(o.KeyID)),
		KeyID:       o.KeyID,
		Annotations: map[string][]byte{annotation: nonce},
	}, nil
}

func (p *plugin) Decrypt(_ context.Context, uid string, request *service.DecryptRequest) ([]byte, error) {
	o := p.order()
	if err := o.refuse(); err != nil {
		return nil, err
	}
	nonce := request.Annotations[annotation]
	if uid == "" || len(nonce) != 12 {
		return nil, errors.New("a request without uid or annotation")
	}
	return p.key(request.KeyID).Open(nil, nonce, request.Ciphertext, []byte(request.KeyID))
}
