// Command minimal is the smallest function on the same SDKs that takes a
// snapshot, as their examples show it: for each event it makes the clients, asks
// Cloud Backup, and stores the answer. It is what a cold start is held against.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

func main() { fc.Start(snapshot) }

func snapshot(ctx context.Context) (string, error) {
	fctx, ok := fccontext.FromContext(ctx)
	if !ok {
		return "", fmt.Errorf("no context")
	}
	answer, err := statistics(ctx, fctx.Credentials)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"account_id": fctx.AccountId, "captured_at": time.Now().UTC(), "response": answer})
	if err != nil {
		return "", err
	}
	buckets, err := oss.New(os.Getenv("OSS_ENDPOINT"), fctx.Credentials.AccessKeyId, fctx.Credentials.AccessKeySecret,
		oss.SecurityToken(fctx.Credentials.SecurityToken), oss.AuthVersion(oss.AuthV4), oss.Region(os.Getenv("OSS_REGION")), oss.ForcePathStyle(true))
	if err != nil {
		return "", err
	}
	bucket, err := buckets.Bucket(os.Getenv("OSS_BUCKET"))
	if err != nil {
		return "", err
	}
	key := "backup-statistics/snapshots/dt=" + time.Now().UTC().Format("2006-01-02") + "/" + fctx.AccountId + "-ECS_FILE.json"
	return key, bucket.PutObject(key, strings.NewReader(string(data)), oss.WithContext(ctx), oss.ForbidOverWrite(true))
}

func statistics(ctx context.Context, c fccontext.Credentials) (any, error) {
	credential, err := credentials.NewCredential(new(credentials.Config).SetType("sts").
		SetAccessKeyId(c.AccessKeyId).SetAccessKeySecret(c.AccessKeySecret).SetSecurityToken(c.SecurityToken))
	if err != nil {
		return nil, err
	}
	endpoint, err := url.Parse(os.Getenv("CLOUD_BACKUP_ENDPOINT"))
	if err != nil {
		return nil, err
	}
	client, err := openapi.NewClient(&openapiutil.Config{Credential: credential, Endpoint: &endpoint.Host})
	if err != nil {
		return nil, err
	}
	answer, err := client.CallApiWithCtx(ctx, &openapiutil.Params{
		Action: dara.String("GetBasicStatistics"), Version: dara.String("2017-09-08"), Protocol: dara.String("HTTPS"),
		Method: dara.String("GET"), Pathname: dara.String("/"), Style: dara.String("RPC"),
		AuthType: dara.String("AK"), ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}, &openapiutil.OpenApiRequest{Query: map[string]*string{"SourceType": dara.String("ECS_FILE")}}, &dara.RuntimeOptions{})
	return answer["body"], err
}
