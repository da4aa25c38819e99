# The whole deployment with Terraform, in the place of .ros/function.yaml and s.yaml:
# bucket, role, policy, log, function, its two timers and an alarm. s.yaml says why each
# setting is as it is; a test holds the two against each other.
terraform {
  required_version = ">= 1.5"
  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = ">= 1.252.0"
    }
  }
}

variable "region" {
  type    = string
  default = "cn-hangzhou"
}

variable "bucket" {
  description = "The bucket that receives the objects. It is created, and never destroyed."
  type        = string
}

variable "name" {
  description = "Of the function, its role and its policy, in lower case."
  type        = string
  default     = "backup-statistics"
}

variable "time_zone" {
  description = "An IANA name, for the dates and both timers."
  type        = string
  default     = "Asia/Shanghai"
}

variable "environment" {
  description = "Further variables of the function. The state holds them as they are."
  type        = map(string)
  default     = {}
  sensitive   = true
}

variable "several_accounts" {
  description = "Whether roles of member accounts are assumed."
  type        = bool
  default     = false
}

variable "log_project" {
  description = "The log project to create; its name is unique among all users."
  type        = string
  default     = ""
}

variable "alarm_group" {
  description = "The contact group of CloudMonitor that hears of failed runs; none: no alarm."
  type        = string
  default     = ""
}

provider "alicloud" {
  region = var.region
}

data "alicloud_account" "this" {}

locals {
  policy = jsondecode(replace(file("${path.module}/../.ros/policy.json"), "BUCKET", var.bucket))
  needed = slice(local.policy.Statement, 0, var.several_accounts ? length(local.policy.Statement) : 3)
}

resource "alicloud_oss_bucket" "reports" {
  bucket        = var.bucket
  storage_class = "Standard"

  lifecycle {
    prevent_destroy = true # nothing brings its snapshots back
  }
}

resource "alicloud_oss_bucket_acl" "reports" {
  bucket = alicloud_oss_bucket.reports.bucket
  acl    = "private"
}

resource "alicloud_ram_role" "function" {
  role_name                   = var.name
  assume_role_policy_document = file("${path.module}/../.ros/trust.json")
}

resource "alicloud_ram_policy" "function" {
  policy_name     = var.name
  policy_document = jsonencode({ Version = local.policy.Version, Statement = local.needed })
}

resource "alicloud_ram_role_policy_attachment" "function" {
  role_name   = alicloud_ram_role.function.role_name
  policy_name = alicloud_ram_policy.function.policy_name
  policy_type = "Custom"
}

resource "alicloud_log_project" "function" {
  project_name = var.log_project != "" ? var.log_project : "${var.name}-${data.alicloud_account.this.id}"
}

resource "alicloud_log_store" "function" {
  project_name     = alicloud_log_project.function.project_name
  logstore_name    = "function"
  retention_period = 180
  shard_count      = 1
}

resource "alicloud_log_store_index" "function" {
  project  = alicloud_log_project.function.project_name
  logstore = alicloud_log_store.function.logstore_name

  full_text {
    token = ", '\";=()[]{}?@&<>/:\n\t\r"
  }
}

resource "alicloud_fcv3_function" "this" {
  function_name         = var.name
  description           = "Writes a dated snapshot of the Cloud Backup statistics to OSS, once a day."
  runtime               = "go1"
  handler               = "main"
  memory_size           = 128
  cpu                   = 0.1
  disk_size             = 512
  timeout               = 60
  internet_access       = true
  role                  = alicloud_ram_role.function.arn
  environment_variables = merge({ OSS_BUCKET = var.bucket, TIME_ZONE = var.time_zone }, var.environment)

  code {
    zip_file = filebase64("${path.module}/../dist/function.zip")
  }

  log_config {
    project                 = alicloud_log_project.function.project_name
    logstore                = alicloud_log_store.function.logstore_name
    enable_request_metrics  = true
    enable_instance_metrics = true
    log_begin_rule          = "DefaultRegex"
  }

  depends_on = [alicloud_ram_role_policy_attachment.function, alicloud_log_store_index.function]
}

resource "alicloud_fcv3_async_invoke_config" "this" {
  function_name                  = alicloud_fcv3_function.this.function_name
  qualifier                      = "LATEST"
  max_async_retry_attempts       = 3
  max_async_event_age_in_seconds = 12600
}

resource "alicloud_fcv3_trigger" "daily" {
  function_name = alicloud_fcv3_function.this.function_name
  trigger_name  = "daily"
  trigger_type  = "timer"
  description   = "The day's snapshot."
  qualifier     = "LATEST"
  trigger_config = jsonencode({
    cronExpression = "CRON_TZ=${var.time_zone} 0 17 20 * * *"
    enable         = true
  })
}

resource "alicloud_fcv3_trigger" "watchdog" {
  function_name = alicloud_fcv3_function.this.function_name
  trigger_name  = "watchdog"
  trigger_type  = "timer"
  description   = "Fails if the day has no complete record."
  qualifier     = "LATEST"
  trigger_config = jsonencode({
    cronExpression = "CRON_TZ=${var.time_zone} 0 17 23 * * *"
    enable         = true
    payload        = jsonencode({ action = "check" })
  })
}

resource "alicloud_cms_alarm" "errors" {
  count = var.alarm_group == "" ? 0 : 1

  name              = "${var.name}-errors"
  project           = "acs_fc"
  metric            = "FunctionFunctionErrors"
  metric_dimensions = jsonencode([{ region = var.region, functionName = alicloud_fcv3_function.this.function_name }])
  contact_groups    = [var.alarm_group]
  period            = 60

  escalations_critical {
    statistics          = "Value"
    comparison_operator = ">="
    threshold           = 1
    times               = 1
  }
}
