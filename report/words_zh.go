package report

import (
	"fmt"
	"time"
)

// chinese are the words for readers in mainland China, with Alibaba Cloud's own terms:
//
//	Cloud Backup                        云备份                 help.aliyun.com/zh/cloud-backup
//	ECS File Backup Essential Edition   ECS 文件备份基础版     the same, GetBasicStatistics
//	backed-up ECS instances             已备份的 ECS 实例数    the same
//	capacity of the disks               已备份的云盘容量       the same
//	region, source type                 地域, 备份类型         the same
//	free quota                          免费额度               the skill of the essential edition
//	account                             账号                   help.aliyun.com/zh/functioncompute
//	function, timer                     函数, 定时触发器       the same
//	activate                            开通                   usual in the vendor's pages
//	bucket                              存储空间（Bucket）     usual in the vendor's pages
//
// What is protected is 已备份, as the vendor says it. 快照 means a disk's snapshot to
// every reader, so what this program keeps is 统计记录.
func chinese() *words {
	count := func(unit string) func(int64) string {
		return func(n int64) string { return formatCount(n) + noBreak + unit }
	}
	return &words{
		tag: Chinese, name: "备份统计",
		instances: count("个实例"), accounts: count("个账号"), days: count("天"),

		title: map[string]string{
			loss:               "已备份的实例减少",
			dataDroppedPercent: "已备份的云盘容量下降",
			quotaPercent:       "免费额度即将用完",
			dayMissing:         "有一天缺少完整的统计记录",
			totalMismatch:      "各地域之和与总数不一致",
			accountGone:        "有账号不再采集",
		},
		advice: map[string]string{
			loss:               "已减少实例的备份可能已被删除。如非有意，请在云备份控制台重新开启备份。",
			dataDroppedPercent: "实例没有减少，但部分云盘可能不再备份。请在云备份控制台确认是否有意为之。",
			quotaPercent:       "超出免费额度的部分会计费。请检查备份范围，或留意账单。",
			dayMissing:         "过去的日期无法补采。请查看函数日志，排除原因，并在当天内再次调用函数。",
			totalMismatch:      "服务返回的数据自相矛盾，两个数值均按原样保存。如持续出现，请联系阿里云。",
			accountGone:        "该账号已离开资源目录，或已在配置中排除，其数据不再记录。",
		},
		reasons: map[string]string{
			reasonReached: "已恢复到原值", reasonExpired: "时间已久，不再提示", reasonNotAsked: "已不再采集",
			reasonRuleOff: "规则已关闭", reasonBelow: "用量已低于阈值", reasonUsedUp: "额度用完已满一周",
			reasonBack: "账号已恢复采集", reasonComplete: "已有完整的统计记录", reasonAddsUp: "各地域之和已与总数一致",
			reasonCorrected: "当天的数值已被替换，不再有此问题",
		},
		status: map[string]string{Complete: "完整", Partial: "不完整", Missing: "缺失"},

		lost: func(lost, of int64, where string) string {
			return fmt.Sprintf("备份丢失：%s 个实例中有 %s 个不再备份%s", formatCount(of), formatCount(lost), where)
		},
		fell: func(lost, of, where string) string { return "容量下降：" + of + " 中减少 " + lost + where },
		missing: func(day Date, collected, due int64) string {
			return fmt.Sprintf("记录缺失：%v，%s 个账号中已采集 %s 个", day, formatCount(due), formatCount(collected))
		},
		mismatch: func(where string) string { return "数据存疑：各地域之和与总数不一致" + where },
		quota: func(account string, percent int64) string {
			return fmt.Sprintf("免费额度：账号 %s 已用 %s%%", account, formatCount(percent))
		},
		accountLeft: func(account string, instances int64) string {
			return fmt.Sprintf("账号离开：%s 不再采集，此前有 %s 个实例", account, formatCount(instances))
		},
		resolved:    func(what string) string { return "已恢复：" + what },
		over:        func(what string) string { return "已结束：" + what },
		other:       func(rule string) string { return "告警：" + rule },
		usedUp:      "免费额度已用完",
		checkFailed: "检查失败：无法得知当天是否已有统计记录",
		checkAdvice: "无法读取存储空间（Bucket）。请检查函数的角色和存储空间，然后调用 {\"action\":\"check\"}。",
		overTitle:   "已结束：", brackets: func(s string) string { return "（" + s + "）" },
		test:       "测试：告警可以送达此处，未发生任何问题。",
		andMore:    func(n int64) string { return "另有 " + formatCount(n) + " 项" },
		moreEvents: func(n int64) string { return "另有 " + formatCount(n) + " 个事件。" },
		since:      func(d Date) string { return "始于 " + d.String() },
		seePage:    func(where string) string { return "报告：" + where },

		inTotal: "总计", account: func(id string) string { return "账号 " + id }, comma: "，", colon: "：", stop: "。",
		gone: "已消失", now: func(s string) string { return "现为 " + s }, almost: func(share string) string { return "接近 " + share },
		used: func(percent int64) string { return "已用 " + formatCount(percent) + "%" },
		usedBytes: func(percent int64, left, over, quota string) string {
			if over != "" {
				return fmt.Sprintf("已用 %s%%：%s 免费，%s 计费", formatCount(percent), quota, over)
			}
			return fmt.Sprintf("已用 %s%%：%s 中剩余 %s", formatCount(percent), quota, left)
		},
		disagree:      func(total, sum string) string { return "总数为 " + total + "，各地域之和为 " + sum },
		instancesDiff: "实例数不一致",
		wasCollected:  func(instances string) string { return "最后一次采集时有 " + instances },
		collectedOf: func(collected int64, accounts string) string {
			return accounts + "中已采集 " + formatCount(collected) + " 个"
		},

		heading: "备份统计", noneYet: "还没有任何一天有完整的统计记录。有了第一天的记录后，这里会显示已备份的内容。",
		recordIs: func(d markup, status string) markup { return d + markup(" 的统计记录："+status) },
		date: func(t time.Time, withYear bool) string {
			if withYear {
				return t.Format("2006 年 1 月 2 日")
			}
			return t.Format("1 月 2 日")
		},
		protected: func(day string, n int64) string {
			text := "基础版已备份 " + formatCount(n) + noBreak + "个 ECS 实例"
			if n == 0 {
				text = "基础版没有备份任何 ECS 实例"
			}
			if day != "" {
				return day + "，" + text
			}
			return text
		},
		fewer: func(n int64, than string) string {
			return "，比 " + than + " 减少 " + formatCount(n) + noBreak + "个"
		},
		notFewer: func(days int64) string { return "，不少于之前 " + formatCount(days) + " 天中的任何一天" },
		neverAny: "，之前也从未有过",
		lostBut:  func(since string) string { return "，但 " + since + " 有实例失去备份" },
		fellBut:  func(since, change string) string { return "；其容量于 " + since + " 下降：" + change },
		unknownNow: func(day, status string) string {
			return "目前的备份情况未知：" + day + " 的统计记录" + status + "。"
		},
		disks: func(capacity string) string { return "云盘容量 " + capacity },
		scope: func(capacity, regions, accounts string) string {
			text := "仅统计云备份的 ECS 文件备份基础版，不含其他版本"
			if accounts != "" {
				text += "；" + accounts
			}
			if regions != "" {
				text += "，" + regions
			}
			if capacity != "" {
				text += "，" + capacity
			}
			return text + "。"
		},
		readAt:  func(at, zone markup) markup { return "采集于 " + at + "（" + zone + "）。" },
		whyZero: "如果使用的是其他版本或其他类型的备份，为零是正常的：它们不在统计之内。如果该版本本应有备份，请在实例所属账号和地域的云备份控制台查看“ECS 文件备份”。",
		renews: func(date markup) markup {
			return "每天的运行都会更新本页。如果 " + date + " 既不是今天也不是昨天，说明函数已停止运行。"
		},
		alerts: "告警", noAlerts: "没有未结束的告警", openAlerts: count("个未结束的告警"), openNotices: count("条提示"), openSince: func(d markup) markup { return "始于 " + d },
		ended: "最近 90 天内结束的告警", endedColumns: []string{"结束", "内容", "始于", "结束原因"},

		span:    func(from, to markup) markup { return from + " 至 " + to },
		regions: count("个地域"), capacity: "已备份的云盘容量", instancesTitle: "已备份的 ECS 实例数",
		highestNow: "为最近 30 天的最高值",
		highestWas: func(value string, on, since markup) markup {
			return markup("最近 30 天的最高值："+value+"（") + on + "），此后 " + since
		},
		noRecordThen: "当时没有记录", noHistoryYet: "历史不足", up: "增加", down: "减少", unchanged: "无变化",
		trend: "趋势", holes: func(n int64) string { return formatCount(n) + " 天没有完整的统计记录，数值未知" },
		noValue: "没有数值。",
		describe: func(first, last, low, high string) string {
			return "从 " + first + " 到 " + last + "；最低 " + low + "，最高 " + high
		},
		valueOn:      func(value, date string) string { return date + " 的 " + value },
		withoutValue: func(n int64) string { return "；其中 " + formatCount(n) + " 处没有数值" },
		limit:        func(quota string) string { return "免费额度：" + quota },
		limitReached: func(d markup) markup { return "，如继续增长，将于 " + d + " 用完" },
		byMonth:      "全部历史（按月）", asTable: "以表格显示",
		monthsNote:   func(span markup) markup { return span + "，每月最后一个完整的日期" },
		monthColumns: []string{"当月最后的完整日期", "实例数#", "容量#"},
		dayMonth:     func(t time.Time) string { return t.Format("1-2") }, month: func(t time.Time) string { return t.Format("1月") },

		regionsTitle: "地域", noRegion: "没有任何地域有备份。",
		regionsNote:  "最近 100 天已备份的云盘容量：先列有告警的地域，再从大到小。每个图的纵轴各自从零开始。",
		otherRegions: func(n int64) string { return "其他 " + formatCount(n) + noBreak + "个地域" },
		moreRegions: func(n int64) string {
			return "另有 " + formatCount(n) + " 个较小或已消失的地域，见 trend.json。"
		},
		regionColumns: []string{"地域", "容量#", "实例数#", "30 天#"},
		lastSeen: func(d Date, capacity, instances string) string {
			return "最后出现于 " + d.String() + "：" + capacity + "，" + instances
		},
		lastSeenOn: func(d markup) markup { return "最后出现于 " + d },
		backSince:  func(d markup) markup { return d + " 起恢复" }, newSince: func(d markup) markup { return d + " 起新增" },
		noRecordBefore: "30 天前没有记录", unchangedLong: "30 天内无变化", inThirtyDays: func(change markup) markup { return "30 天内 " + change },

		freeQuota: "免费额度", quotaOf: func(account string) string {
			return "每个账号各有一份免费额度。这里显示用量最大的账号 " + account + "。"
		},
		quotaUsed: "已用", quotaOver: "超出并计费", quotaLeft: "剩余", quotaAll: "额度", quotaUse: "使用率",
		gauge: func(used, quota, percent string) string {
			return quota + " 中已用 " + used + "，即 " + percent + "%"
		},
		reachedOn: func(d markup) markup {
			return "如果用量按最近 30 天的速度继续增长，额度将于 " + d + " 用完。"
		},
		quotaUsedUp: "额度已用完。", quotaJustUsed: "额度刚好用完，再增加的部分会计费。",
		quotaNoGrowth: "看不到额度用完的日期：用量没有持续增长，或增长很慢，一年内不会用完。",
		quotaTooSoon: func(day int64) string {
			return "从第 14 个完整日期起才能预计额度何时用完，目前是第 " + formatCount(day) + " 个。"
		},
		accountsTitle: "账号",
		accountsOn: func(collected string, accounts string, d markup) markup {
			return d + markup(" 已采集 "+collected+" 个，共 "+accounts+"。")
		},
		notActivated: func(n int64) string { return formatCount(n) + " 个账号未开通云备份，没有任何备份。" },
		notAttempted: func(n int64) string { return formatCount(n) + " 个账号尚未采集。" },
		excluded:     func(n int64) string { return "按配置排除 " + formatCount(n) + " 个账号。" },
		largestOn:    func(d markup) markup { return d + " 容量最大的账号" }, missingOn: func(d markup) markup { return d + " 缺失的账号" },
		changedOn:      func(d markup) markup { return "有减少的账号，以及 " + d + " 容量最大的账号" },
		changeSince:    func(change, d markup) markup { return "自 " + d + " " + change },
		accountColumns: []string{"账号", "容量#", "实例数#", "变化#"}, missingColumns: []string{"账号", "备份类型", "错误", "原因"},
		moreMissing: func(n int64, key string) string {
			return "另有 " + formatCount(n) + " 个，见当天的记录 " + key + "。"
		},
		gaps: "缺口", noGaps: "没有缺口：每一天都有完整的统计记录。",
		gapsNote:   "没有完整统计记录的日期。服务无法提供过去的数据，因此这些日期会一直空缺。",
		gapColumns: []string{"日期", "长度", "状态", "发现时间", "原因"}, moreGaps: func(n int64) string { return "另有 " + formatCount(n) + " 个更早的缺口，见 trend.json。" },
		noticed: "发现于", unknown: "未知", firstDay: "第一天", lastDays: func(n int64) string { return "最近 " + formatCount(n) + " 天" },
		earlierDays: func(n int64) string { return "更早的 " + formatCount(n) + " 天" },
		lastColumns: []string{"日期", "状态", "实例数", "变化", "容量", "变化"}, replaced: "已替换",
		foot: `<section aria-label="数值的含义"><h2>数值的含义</h2>
<p>统计对象是阿里云云备份的 ECS 文件备份基础版，数据每天由其 API GetBasicStatistics 提供一次。</p>
<p><strong>容量</strong>是已备份实例所挂载云盘的容量，也是计费依据，并非备份数据的大小。<strong>实例数</strong>是已备份的 ECS 实例数。其他版本不计入。</p>
<p>1 GiB 等于 1,073,741,824 字节。没有完整统计记录的日期没有数值：服务不提供过去的数据，之后无法补采，也不作推测。</p></section>
<section aria-label="数据的位置"><h2>数据的位置</h2>
<p>与本页同目录：<a href="trend.json">trend.json</a> 含本页显示的内容及更多信息；<a href="trend.csv">trend.csv</a> 含全部日期，供电子表格使用。</p>
<p>同一存储空间（Bucket）中：<code>snapshots/</code> 保存服务的原始应答，每天、每个账号、每个备份类型各一个文件；<code>regions/</code>、<code>totals/</code> 和 <code>calendar/</code> 是供分析使用的表；<code>days/</code> 说明哪些日期是完整的。</p></section>
`,
	}
}
