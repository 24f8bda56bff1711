//! Every AWS operation that opsform calls: its IAM action and its rate.

use std::fmt;

/// A token bucket: how many calls at once, and how many a second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Calls a second that AWS allows for ever.
    pub per_second: f64,
    /// Calls that AWS allows at once when none was made for a while.
    pub burst: f64,
}

/// An AWS operation.
#[derive(Debug, PartialEq)]
pub struct Operation {
    /// The service as people name it, such as `CloudWatch`.
    pub service: &'static str,
    /// The operation, such as `PutMetricAlarm`.
    pub name: &'static str,
    /// The IAM action that allows it, such as `cloudwatch:PutMetricAlarm`.
    pub iam_action: &'static str,
    /// The default rate for one account in one region.
    pub rate: Rate,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.name)
    }
}

const fn operation(
    service: &'static str,
    name: &'static str,
    iam_action: &'static str,
    rate: Rate,
) -> Operation {
    Operation { service, name, iam_action, rate }
}

const fn rate(per_second: f64, burst: f64) -> Rate {
    Rate { per_second, burst }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $constant:ident = $value:expr;)*) => {
        impl Operation {
            $($(#[$doc])* pub const $constant: &'static Self = &$value;)*
        }
        /// All operations, for checking `[aws.rates]`.
        pub const OPERATIONS: &[&Operation] = &[$(Operation::$constant),*];
    };
}

// CloudWatch's default rates: "CloudWatch service quotas" in the CloudWatch user guide.
// EC2's buckets: "Request throttling for the Amazon EC2 API" in the EC2 developer guide.
// Resource Groups Tagging's: its service quotas page. RDS and STS publish none; theirs are our choice.
// EventBridge Scheduler's: "Amazon EventBridge Scheduler endpoints and quotas" in the AWS General Reference; more in large regions.
// EventBridge publishes none for rules today; ours stay far below the 50 a second for all its operations together that its guide named once.
// S3 takes "at least 3,500 PUT/COPY/POST/DELETE or 5,500 GET/HEAD requests per second per partitioned prefix" ("Best
// practices design patterns: optimizing Amazon S3 performance"), far above what a state needs.
operations! {
    /// One alarm a call, 3 a second by default (adjustable).
    PUT_METRIC_ALARM = operation("CloudWatch", "PutMetricAlarm", "cloudwatch:PutMetricAlarm", rate(3.0, 3.0));
    /// 100 alarms a call, 9 a second.
    DESCRIBE_ALARMS = operation("CloudWatch", "DescribeAlarms", "cloudwatch:DescribeAlarms", rate(9.0, 9.0));
    /// 100 names a call, 3 a second.
    DELETE_ALARMS = operation("CloudWatch", "DeleteAlarms", "cloudwatch:DeleteAlarms", rate(3.0, 3.0));
    /// One alarm a call, 20 a second.
    TAG_ALARM = operation("CloudWatch", "TagResource", "cloudwatch:TagResource", rate(20.0, 20.0));
    /// One alarm a call. AWS publishes no rate of its own; we take that of `TagResource`.
    UNTAG_ALARM = operation("CloudWatch", "UntagResource", "cloudwatch:UntagResource", rate(20.0, 20.0));
    /// One alarm a call, 10 a second.
    LIST_ALARM_TAGS = operation("CloudWatch", "ListTagsForResource", "cloudwatch:ListTagsForResource", rate(10.0, 10.0));
    /// One mute rule a call. AWS publishes no rate for mute rules; we take that of `PutMetricAlarm`.
    PUT_ALARM_MUTE_RULE = operation("CloudWatch", "PutAlarmMuteRule", "cloudwatch:PutAlarmMuteRule", rate(3.0, 3.0));
    /// One mute rule a call; the rate is our choice, that of `DeleteAlarms`.
    DELETE_ALARM_MUTE_RULE =
        operation("CloudWatch", "DeleteAlarmMuteRule", "cloudwatch:DeleteAlarmMuteRule", rate(3.0, 3.0));
    /// 100 mute rules a page; the rate is our choice, that of `DescribeAlarms`.
    LIST_ALARM_MUTE_RULES = operation("CloudWatch", "ListAlarmMuteRules", "cloudwatch:ListAlarmMuteRules", rate(9.0, 9.0));
    /// One mute rule a call; the rate is our choice, that of `DescribeAlarms`.
    GET_ALARM_MUTE_RULE = operation("CloudWatch", "GetAlarmMuteRule", "cloudwatch:GetAlarmMuteRule", rate(9.0, 9.0));
    /// 1,000 instances a page; paged calls have a bucket of 100 refilled at 20 a second.
    DESCRIBE_INSTANCES = operation("EC2", "DescribeInstances", "ec2:DescribeInstances", rate(20.0, 100.0));
    /// 500 volumes a page; the bucket of paged calls, like that of `DescribeInstances`.
    DESCRIBE_VOLUMES = operation("EC2", "DescribeVolumes", "ec2:DescribeVolumes", rate(20.0, 100.0));
    /// All addresses in one call; unpaged.
    DESCRIBE_ADDRESSES = operation("EC2", "DescribeAddresses", "ec2:DescribeAddresses", rate(10.0, 50.0));
    /// 1,000 network interfaces a page; only those with an address that is no instance's.
    DESCRIBE_NETWORK_INTERFACES =
        operation("EC2", "DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfaces", rate(20.0, 100.0));
    /// 1,000 snapshots a page.
    DESCRIBE_SNAPSHOTS = operation("EC2", "DescribeSnapshots", "ec2:DescribeSnapshots", rate(20.0, 100.0));
    /// 1,000 images a page; only for snapshots that are to be deleted.
    DESCRIBE_IMAGES = operation("EC2", "DescribeImages", "ec2:DescribeImages", rate(20.0, 100.0));
    /// 1,000 snapshots a page; only for snapshots that are to be deleted.
    DESCRIBE_LOCKED_SNAPSHOTS =
        operation("EC2", "DescribeLockedSnapshots", "ec2:DescribeLockedSnapshots", rate(20.0, 100.0));
    /// One snapshot a call; a bucket of 100 refilled at 5 a second.
    DELETE_SNAPSHOT = operation("EC2", "DeleteSnapshot", "ec2:DeleteSnapshot", rate(5.0, 100.0));
    /// One call; unpaged: a bucket of 50 refilled at 10 a second.
    DESCRIBE_REGIONS = operation("EC2", "DescribeRegions", "ec2:DescribeRegions", rate(10.0, 50.0));
    /// 1,000 tags a page.
    DESCRIBE_TAGS = operation("EC2", "DescribeTags", "ec2:DescribeTags", rate(20.0, 100.0));
    /// Many resources a call; a bucket of 100 refilled at 10 a second.
    CREATE_TAGS = operation("EC2", "CreateTags", "ec2:CreateTags", rate(10.0, 100.0));
    /// Many resources a call; a bucket of 100 refilled at 10 a second.
    DELETE_TAGS = operation("EC2", "DeleteTags", "ec2:DeleteTags", rate(10.0, 100.0));
    /// Many instances a call; a bucket of 50 refilled at 5 a second.
    STOP_INSTANCES = operation("EC2", "StopInstances", "ec2:StopInstances", rate(5.0, 50.0));
    /// Many instances a call; a bucket of 5 refilled at 2 a second.
    START_INSTANCES = operation("EC2", "StartInstances", "ec2:StartInstances", rate(2.0, 5.0));
    /// One database a call.
    STOP_DB_INSTANCE = operation("RDS", "StopDBInstance", "rds:StopDBInstance", rate(5.0, 5.0));
    /// One database a call.
    START_DB_INSTANCE = operation("RDS", "StartDBInstance", "rds:StartDBInstance", rate(5.0, 5.0));
    /// One cluster a call.
    STOP_DB_CLUSTER = operation("RDS", "StopDBCluster", "rds:StopDBCluster", rate(5.0, 5.0));
    /// One cluster a call.
    START_DB_CLUSTER = operation("RDS", "StartDBCluster", "rds:StartDBCluster", rate(5.0, 5.0));
    /// One attribute of one instance a call; unpaged.
    DESCRIBE_INSTANCE_ATTRIBUTE =
        operation("EC2", "DescribeInstanceAttribute", "ec2:DescribeInstanceAttribute", rate(10.0, 50.0));
    /// 100 types a page.
    DESCRIBE_INSTANCE_TYPES = operation("EC2", "DescribeInstanceTypes", "ec2:DescribeInstanceTypes", rate(20.0, 100.0));
    /// One instance a call.
    MODIFY_INSTANCE_ATTRIBUTE =
        operation("EC2", "ModifyInstanceAttribute", "ec2:ModifyInstanceAttribute", rate(5.0, 50.0));
    /// All volumes of one instance a call; a bucket of 100 refilled at 5 a second.
    CREATE_SNAPSHOTS = operation("EC2", "CreateSnapshots", "ec2:CreateSnapshots", rate(5.0, 100.0));
    /// One volume a call; a bucket of 100 refilled at 5 a second.
    CREATE_VOLUME = operation("EC2", "CreateVolume", "ec2:CreateVolume", rate(5.0, 100.0));
    /// One volume a call; a bucket of 100 refilled at 5 a second.
    DELETE_VOLUME = operation("EC2", "DeleteVolume", "ec2:DeleteVolume", rate(5.0, 100.0));
    /// One volume a call; a bucket of 50 refilled at 5 a second.
    ATTACH_VOLUME = operation("EC2", "AttachVolume", "ec2:AttachVolume", rate(5.0, 50.0));
    /// One volume a call; a bucket of 50 refilled at 5 a second.
    DETACH_VOLUME = operation("EC2", "DetachVolume", "ec2:DetachVolume", rate(5.0, 50.0));
    /// One key a call ("Request quotas" in the KMS developer guide: 2,000 a second; we need few).
    DESCRIBE_KEY = operation("KMS", "DescribeKey", "kms:DescribeKey", rate(20.0, 20.0));
    /// One database or cluster a call.
    ADD_RDS_TAGS = operation("RDS", "AddTagsToResource", "rds:AddTagsToResource", rate(5.0, 5.0));
    /// One database or cluster a call.
    REMOVE_RDS_TAGS = operation("RDS", "RemoveTagsFromResource", "rds:RemoveTagsFromResource", rate(5.0, 5.0));
    /// 100 databases a page.
    DESCRIBE_DB_INSTANCES = operation("RDS", "DescribeDBInstances", "rds:DescribeDBInstances", rate(5.0, 5.0));
    /// 100 clusters a page.
    DESCRIBE_DB_CLUSTERS = operation("RDS", "DescribeDBClusters", "rds:DescribeDBClusters", rate(5.0, 5.0));
    /// One database or cluster a call; only for those that are described without their tags.
    LIST_DB_TAGS = operation("RDS", "ListTagsForResource", "rds:ListTagsForResource", rate(5.0, 5.0));
    /// 100 schedules a page. Groups and lists: 10 a second.
    LIST_SCHEDULES = operation("Scheduler", "ListSchedules", "scheduler:ListSchedules", rate(10.0, 10.0));
    /// One schedule a call: 250 a second.
    GET_SCHEDULE = operation("Scheduler", "GetSchedule", "scheduler:GetSchedule", rate(250.0, 250.0));
    /// One schedule a call: 250 a second.
    CREATE_SCHEDULE = operation("Scheduler", "CreateSchedule", "scheduler:CreateSchedule", rate(250.0, 250.0));
    /// One schedule a call: 250 a second.
    UPDATE_SCHEDULE = operation("Scheduler", "UpdateSchedule", "scheduler:UpdateSchedule", rate(250.0, 250.0));
    /// One schedule a call: 250 a second.
    DELETE_SCHEDULE = operation("Scheduler", "DeleteSchedule", "scheduler:DeleteSchedule", rate(250.0, 250.0));
    /// One group a call.
    GET_SCHEDULE_GROUP = operation("Scheduler", "GetScheduleGroup", "scheduler:GetScheduleGroup", rate(10.0, 10.0));
    /// One group a call.
    CREATE_SCHEDULE_GROUP = operation("Scheduler", "CreateScheduleGroup", "scheduler:CreateScheduleGroup", rate(10.0, 10.0));
    /// One group a call.
    DELETE_SCHEDULE_GROUP = operation("Scheduler", "DeleteScheduleGroup", "scheduler:DeleteScheduleGroup", rate(10.0, 10.0));
    /// One group a call: the owner of its schedules.
    LIST_GROUP_TAGS = operation("Scheduler", "ListTagsForResource", "scheduler:ListTagsForResource", rate(10.0, 10.0));
    /// One group a call.
    TAG_GROUP = operation("Scheduler", "TagResource", "scheduler:TagResource", rate(10.0, 10.0));
    /// 100 rules a page.
    LIST_RULES = operation("EventBridge", "ListRules", "events:ListRules", rate(20.0, 20.0));
    /// One rule a call.
    LIST_TARGETS_BY_RULE =
        operation("EventBridge", "ListTargetsByRule", "events:ListTargetsByRule", rate(20.0, 20.0));
    /// One rule a call: its owner, where the tag index names none.
    LIST_RULE_TAGS = operation("EventBridge", "ListTagsForResource", "events:ListTagsForResource", rate(20.0, 20.0));
    /// One rule a call.
    PUT_RULE = operation("EventBridge", "PutRule", "events:PutRule", rate(5.0, 5.0));
    /// One rule a call, with all its targets.
    PUT_TARGETS = operation("EventBridge", "PutTargets", "events:PutTargets", rate(5.0, 5.0));
    /// One rule a call.
    REMOVE_TARGETS = operation("EventBridge", "RemoveTargets", "events:RemoveTargets", rate(5.0, 5.0));
    /// One rule a call.
    DELETE_RULE = operation("EventBridge", "DeleteRule", "events:DeleteRule", rate(5.0, 5.0));
    /// One rule a call.
    TAG_RULE = operation("EventBridge", "TagResource", "events:TagResource", rate(5.0, 5.0));
    /// 100 resources a page, 15 a second.
    GET_RESOURCES = operation("Resource Groups Tagging", "GetResources", "tag:GetResources", rate(15.0, 15.0));
    /// For accounts with a role. The SDK calls it by itself, outside of [`super::Aws::call`].
    ASSUME_ROLE = operation("STS", "AssumeRole", "sts:AssumeRole", rate(10.0, 10.0));
    /// The region of the bucket that a report goes to.
    HEAD_BUCKET = operation("S3", "HeadBucket", "s3:ListBucket", rate(100.0, 100.0));
    /// 1,000 objects a page: earlier reports.
    LIST_OBJECTS = operation("S3", "ListObjectsV2", "s3:ListBucket", rate(100.0, 100.0));
    /// The state, its journal and its lock; earlier reports.
    GET_OBJECT = operation("S3", "GetObject", "s3:GetObject", rate(100.0, 100.0));
    /// The state, its journal and its lock; reports.
    PUT_OBJECT = operation("S3", "PutObject", "s3:PutObject", rate(100.0, 100.0));
    /// The journal and the lock.
    DELETE_OBJECT = operation("S3", "DeleteObject", "s3:DeleteObject", rate(100.0, 100.0));
    /// Whether old states can be brought back.
    GET_BUCKET_VERSIONING = operation("S3", "GetBucketVersioning", "s3:GetBucketVersioning", rate(100.0, 100.0));
    /// One mail a call. Counted per recipient, at the rate that `GetAccount` tells; this one is the sandbox's ("Service
    /// quotas" in the SES developer guide).
    SEND_EMAIL = operation("SES", "SendEmail", "ses:SendEmail", rate(1.0, 1.0));
    /// The account's rate and daily quota of mail. SES takes one a second of its other calls (same page).
    GET_MAIL_ACCOUNT = operation("SES", "GetAccount", "ses:GetAccount", rate(1.0, 1.0));
    /// Actual cost. Every call costs $0.01; AWS publishes no rate ("AWS Cost Management pricing", "Quotas" in its user guide).
    GET_COST_AND_USAGE = operation("Cost Explorer", "GetCostAndUsage", "ce:GetCostAndUsage", rate(1.0, 3.0));
    /// 100 products a page, often one. AWS publishes no rate; ours is a choice.
    GET_PRODUCTS = operation("Pricing", "GetProducts", "pricing:GetProducts", rate(5.0, 5.0));
    /// Whose credentials these are; needs no permission.
    GET_CALLER_IDENTITY = operation("STS", "GetCallerIdentity", "sts:GetCallerIdentity", rate(10.0, 10.0));
}
