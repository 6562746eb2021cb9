/**
 * What somebody is to be woken for. Each alarm stands on a metric that AWS makes by itself, or on a line that the broker
 * writes to its log; a metric that is missing alarms where silence is itself the fault.
 */
import { Duration } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, TreatMissingData, type IMetric } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import {
  HttpCodeElb,
  HttpCodeTarget,
  type ApplicationLoadBalancer,
  type ApplicationTargetGroup,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { FilterPattern, MetricFilter, type ILogGroup } from "aws-cdk-lib/aws-logs";
import type { DatabaseCluster } from "aws-cdk-lib/aws-rds";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

export interface BrokerAlarmsProps {
  readonly topic: ITopic;
  readonly balancer: ApplicationLoadBalancer;
  readonly targets: ApplicationTargetGroup;
  readonly database: DatabaseCluster;
  readonly log: ILogGroup;
  /** As many as should be ready. */
  readonly tasks: number;
}

interface Watched {
  readonly metric: IMetric;
  readonly says: string;
  readonly at: number;
  /** Minutes in a row. */
  readonly minutes?: number;
  /** Whether it is too little that alarms; then a missing metric does too. */
  readonly below?: boolean;
}

const MINUTE = { period: Duration.minutes(1) };
const summed = { ...MINUTE, statistic: "Sum" };
const most = { ...MINUTE, statistic: "Maximum" };

/** The broker is small; a thousand entries take about a megabyte. */
const LARGE_RECORD_BYTES = 200 * 1024 ** 3;
/** Two tasks hold about 40; this many are somebody else's or a leak. */
const MANY_CONNECTIONS = 150;
const MANY_FAULTS = 5;

/** Lines of the broker's log by what they mean: a pattern over `level` (50 is error), `code` and `msg`. */
const LINES = {
  ExportFault: {
    pattern: '{ $.msg = "AUDIT EXPORT STOPPED*" || $.msg = "audit export:*" }',
    says: "The audit log is not exported: it is not what it was, or the bucket cannot be reached",
    at: 1,
  },
  Errors: { pattern: "{ $.level >= 50 }", says: "The broker logs errors", at: 1 },
  StsFaults: {
    pattern: '{ $.code = "sts_*" }',
    says: "STS refuses, throttles or does not answer",
    at: MANY_FAULTS,
  },
  RecordFaults: {
    pattern: '{ $.code = "record_unavailable" }',
    says: "The record cannot be written, so nothing is minted",
    at: 1,
  },
  OperatorRefused: {
    pattern: '{ $.code = "operator_refused" || $.code = "watch_refused" }',
    says: "Somebody tries tokens on the operators' routes",
    at: MANY_FAULTS,
  },
} as const;

export class BrokerAlarms extends Construct {
  constructor(scope: Construct, id: string, props: BrokerAlarmsProps) {
    super(scope, id);
    const watched = { ...frontOf(props), ...databaseOf(props), ...this.linesOf(props.log) };
    for (const [name, one] of Object.entries(watched)) this.alarm(name, one, props.topic);
  }

  private linesOf(logGroup: ILogGroup): Record<string, Watched> {
    const named = Object.entries(LINES).map(([name, { pattern, says, at }]) => {
      const filter = new MetricFilter(this, `${name}Lines`, {
        logGroup,
        filterPattern: FilterPattern.literal(pattern),
        metricNamespace: "Twokey",
        metricName: name,
      });
      return [name, { metric: filter.metric(summed), says, at }] as const;
    });
    return Object.fromEntries(named);
  }

  private alarm(
    name: string,
    { metric, says, at, minutes = 1, below = false }: Watched,
    topic: ITopic,
  ): void {
    const alarm = new Alarm(this, name, {
      metric,
      alarmDescription: `Twokey: ${says}`,
      threshold: at,
      evaluationPeriods: minutes,
      comparisonOperator: below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: below ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    const action = new SnsAction(topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}

function frontOf({ balancer, targets, tasks }: BrokerAlarmsProps): Record<string, Watched> {
  return {
    TooFewReady: {
      metric: targets.metrics.healthyHostCount({ ...MINUTE, statistic: "Minimum" }),
      says: "Fewer brokers are ready than should be",
      at: tasks,
      minutes: 5,
      below: true,
    },
    NotReady: {
      metric: targets.metrics.unhealthyHostCount(most),
      says: "A broker is not ready",
      at: 1,
      minutes: 5,
    },
    BrokerFaults: {
      metric: targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, summed),
      says: "The broker answers with faults",
      at: MANY_FAULTS,
    },
    BalancerFaults: {
      metric: balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, summed),
      says: "The load balancer finds no broker that answers",
      at: MANY_FAULTS,
    },
  };
}

function databaseOf({ database }: BrokerAlarmsProps): Record<string, Watched> {
  return {
    DatabaseBusy: {
      metric: database.metricCPUUtilization(most),
      says: "The database's processors are busy",
      at: 90,
      minutes: 10,
    },
    DatabaseAtItsLimit: {
      metric: database.metricACUUtilization(most),
      says: "The database has scaled as far as it may",
      at: 90,
      minutes: 10,
    },
    DatabaseConnections: {
      metric: database.metricDatabaseConnections(most),
      says: "More connections to the database than the brokers make",
      at: MANY_CONNECTIONS,
      minutes: 5,
    },
    DatabaseStorage: {
      metric: database.metricVolumeBytesUsed({
        ...MINUTE,
        period: Duration.minutes(5),
        statistic: "Maximum",
      }),
      says: "The record is larger than brokers make it in years",
      at: LARGE_RECORD_BYTES,
    },
  };
}
