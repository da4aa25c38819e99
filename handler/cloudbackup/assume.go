package cloudbackup

import (
	"context"
	"strconv"

	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/report"
)

const stsVersion = "2015-04-01"

// sessionSeconds is how long an assumed role lasts: the shortest that the service
// gives, and longer than a run.
const sessionSeconds = 900

// An STS (Security Token Service, version 2015-04-01) says who a credential is,
// and lets it become someone else.
type STS Service

// AssumeRole returns credentials of a role, for 900 seconds and under a session
// name of 2 to 64 letters, digits and any of . @ - _ . An empty external id is
// not sent. All members of a fleet share what STS allows an account, and perhaps
// with other callers: being throttled is waited out until ctx ends.
func (s *STS) AssumeRole(ctx context.Context, roleARN, sessionName, externalID string) (credentials.Credential, error) {
	query := map[string]string{
		"RoleArn": roleARN, "RoleSessionName": sessionName, "DurationSeconds": strconv.Itoa(sessionSeconds),
	}
	if externalID != "" {
		query["ExternalId"] = externalID
	}
	var role credentials.Credential
	err := (*Service)(s).call(ctx, operation{
		action: "AssumeRole", version: stsVersion, query: query, secret: true, hidden: []string{externalID}, patient: true,
	}, func(answer node) (err error) {
		role, err = decodeRole(answer)
		return err
	})
	return role, err
}

// decodeRole wants all three parts: credentials-go would take an empty one from
// the environment, which holds those of another key.
func decodeRole(answer node) (credentials.Credential, error) {
	issued, err := answer.object("Credentials")
	if err != nil {
		return nil, err
	}
	var parts [3]string
	for i, name := range []string{"AccessKeyId", "AccessKeySecret", "SecurityToken"} {
		if parts[i], err = issued.text(name); err != nil {
			return nil, err
		}
	}
	return credentials.NewCredential(new(credentials.Config).SetType("sts").
		SetAccessKeyId(parts[0]).SetAccessKeySecret(parts[1]).SetSecurityToken(parts[2]))
}

// Account returns the id of the account whose credential signs.
func (s *STS) Account(ctx context.Context) (string, error) {
	var id string
	err := (*Service)(s).call(ctx, operation{action: "GetCallerIdentity", version: stsVersion}, func(answer node) (err error) {
		if id, err = answer.text("AccountId"); err != nil {
			return err
		}
		return report.CheckAccount(id)
	})
	if err != nil {
		return "", err
	}
	return id, nil
}
